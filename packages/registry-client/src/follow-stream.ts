import { asSluiceError, SluiceError } from '@sluice/errors';
import type { OutageLog } from '@sluice/lifecycle';
import {
  type Frame,
  type HelloFrame,
  type KeptDigest,
  readFrameInSlices,
  type Snapshot,
} from '@sluice/registry-protocol';
import type { Acknowledger } from './acknowledger.js';
import { arrivedTogether } from './arrivals.js';
import { createGathering, type Gathering } from './gathering.js';
import { type Lineage, lineageOf } from './lineage.js';
import { receive } from './reception.js';
import type { RegistryCalls } from './registry-calls.js';
import type { StateInForce } from './state-in-force.js';

export interface FollowOptions {
  readonly calls: Pick<RegistryCalls, 'stream'>;
  readonly state: StateInForce;
  /** One for all streams. */
  readonly digests: KeptDigest;
  readonly acknowledger: Acknowledger;
  /** The present one, in the ledger. Throws `fenced` before the first enrolment. */
  readonly incarnation: () => bigint;
  /** The registry greeted us. */
  readonly onOpen: () => void;
  /** The registry is not the one that our state is from, or was put back; what is in force stays. */
  readonly onRefused: (offered: string, because: string) => void;
  /** The state in force here was the registry's newest at this time. */
  readonly onFresh: (heardAtMs: number) => void;
  readonly monotonicMs: () => number;
  /** Of what came and could not be applied; over when what is held here and the registry's digest agree. */
  readonly outage: OutageLog;
}

/** Why a stream ended, and whether what is held is in doubt: then the next one begins with the whole state. */
export interface StreamEnd {
  readonly err: SluiceError;
  readonly whole: boolean;
}

/** When something was heard, and whether it was asked for because what came before it was in doubt. */
interface Heard {
  readonly heardAtMs: number;
  readonly whole: boolean;
  /** Of the registry that said it. */
  readonly history: string;
}

const notThisState = 'the digest is of another state';

/** Thrown inside: what is held, or what came, is in doubt. */
class InDoubt extends Error {}

/**
 * Follows one stream until it ends: applies what it brings, as one step however many changes came together; compares
 * what is held at each heartbeat; acknowledges both.
 * Never rejects. `whole`: begins with the whole state instead of what came since ours.
 */
export async function followStream(options: FollowOptions, whole: boolean, signal: AbortSignal): Promise<StreamEnd> {
  const ending = new AbortController();
  const stop = (): void => ending.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await followLines(options, whole, ending);
    return { err: new SluiceError('unavailable', 'The registry ended the stream'), whole: false };
  } catch (thrown) {
    if (thrown instanceof InDoubt)
      return { err: new SluiceError('conflict', thrown.message, { cause: thrown.cause }), whole: true };
    return { err: asSluiceError(thrown), whole: false };
  } finally {
    signal.removeEventListener('abort', stop);
    ending.abort();
  }
}

async function followLines(options: FollowOptions, whole: boolean, ending: AbortController): Promise<void> {
  const { calls, state, acknowledger, onOpen, monotonicMs } = options;
  const incarnation = options.incarnation();
  const from = { incarnation, epoch: state.epoch(), whole };
  let greeting: HelloFrame | undefined;
  let lineage: Lineage = { is: 'same' };
  let offered: string | undefined;
  let first = true;

  function greet(hello: HelloFrame): void {
    if (hello.stream_nonce === greeting?.stream_nonce) return;
    if (greeting !== undefined) throw new InDoubt('a second hello on one stream');
    greeting = hello;
    lineage = lineageOf(state.held(), hello);
    if (lineage.is === 'restored' && !whole) throw new InDoubt('the registry was restored, which operators admitted');
    const { signal } = ending;
    const giveUp = (because: SluiceError): void => ending.abort(because);
    const nonce = Buffer.from(hello.stream_nonce, 'base64url');
    const knownFrom = lineage.is === 'restored' ? BigInt(hello.restored) : 0n;
    const knows = (epoch: bigint): boolean => lineage.is !== 'refused' && epoch >= knownFrom;
    acknowledger.opened({ incarnation, nonce, signal, giveUp, knows });
    onOpen();
  }

  /** Each time it is offered. When something else is, the registry may be the one we know again: it is asked anew. */
  function refuse(frame: Exclude<Frame, HelloFrame>, because: string): void {
    const { epoch } = frame.type === 'snapshot' ? frame.state : frame;
    offered ??= epoch;
    if (epoch !== offered) throw new InDoubt('the registry that was refused has changed');
    options.onRefused(epoch, because);
  }

  async function hear(line: string, gathering: Gathering): Promise<void> {
    const frame = await readFrameInSlices(line).catch((cause: unknown) => {
      throw new InDoubt('a line is damaged', { cause });
    });
    if (frame.type === 'hello') {
      greet(frame);
      return;
    }
    if (greeting === undefined) throw new InDoubt('the stream does not begin with a hello');
    if (lineage.is === 'refused') {
      refuse(frame, lineage.because);
      return;
    }
    const reception = receive(gathering.epoch(), frame, first);
    first = false;
    if (reception.todo === 'resync') throw new InDoubt(reception.because);
    if (reception.todo === 'gather') gathering.add(reception.frame);
  }

  for await (const lines of arrivedTogether(calls.stream(from, ending.signal))) {
    const heardAtMs = monotonicMs();
    const gathering = createGathering(state.snapshot());
    try {
      for (const line of lines) if (line !== '') await hear(line, gathering);
    } finally {
      // Also what came before a damaged line: it may disable a CA.
      if (greeting !== undefined) await settle(options, gathering, { heardAtMs, whole, history: greeting.history });
    }
  }
}

async function settle(options: FollowOptions, gathering: Gathering, heard: Heard): Promise<void> {
  const { state, digests, acknowledger, onFresh, outage } = options;
  const said = gathering.digest();
  if (said === undefined) return;
  const next = gathering.next();
  if (next !== undefined)
    return await apply(options, { ...heard, next, said, whole: heard.whole && gathering.isWhole() });
  const held = state.snapshot();
  if (held === undefined) throw new InDoubt('nothing is held');
  const digest = await digests.of(held);
  if (textOf(digest) !== said) throw new InDoubt(notThisState);
  onFresh(heard.heardAtMs);
  outage.over();
  if (!state.alone()) return acknowledger.again();
  acknowledger.ended({ epoch: BigInt(held.epoch), digest });
}

async function apply(
  { state, digests, acknowledger, onFresh, outage }: FollowOptions,
  { next, said, heardAtMs, whole, history }: Heard & { readonly next: Snapshot; readonly said: string },
): Promise<void> {
  const { epoch } = next;
  try {
    const digest = await digests.of(next);
    if (textOf(digest) !== said) throw whole ? new SluiceError('conflict', notThisState) : new InDoubt(notThisState);
    const { earlierEnded } = await state.apply(next, { history, digest: said });
    onFresh(heardAtMs);
    outage.over();
    void earlierEnded.then(() => acknowledger.ended({ epoch: BigInt(epoch), digest }));
  } catch (thrown) {
    if (thrown instanceof InDoubt) throw thrown;
    // The older one stays in force. The next heartbeat finds us behind, and then it is tried again.
    const err = asSluiceError(thrown);
    outage.failed(err, { epoch });
    acknowledger.refused(epoch, err);
  }
}

const textOf = (digest: Uint8Array): string => Buffer.from(digest).toString('base64url');
