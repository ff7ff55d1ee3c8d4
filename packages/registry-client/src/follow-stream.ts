import { asSluiceError, SluiceError } from '@sluice/errors';
import type { Log } from '@sluice/lifecycle';
import { readFrame, type Snapshot, stateDigestInSlices } from '@sluice/registry-protocol';
import type { Acknowledger } from './acknowledger.js';
import { type Reception, receive } from './reception.js';
import type { RegistryCalls } from './registry-calls.js';
import type { StateInForce } from './state-in-force.js';

export interface FollowOptions {
  readonly calls: Pick<RegistryCalls, 'stream'>;
  readonly state: StateInForce;
  readonly acknowledger: Acknowledger;
  /** The present one, in the ledger. Throws `fenced` before the first enrolment. */
  readonly incarnation: () => bigint;
  /** The registry greeted us. */
  readonly onOpen: () => void;
  /** The registry has an older epoch than was applied here; what is in force stays. */
  readonly onRolledBack: (offered: string) => void;
  /** The state in force here is the registry's newest. */
  readonly onFresh: () => void;
  readonly log: Log;
}

/** Why a stream ended, and whether what is held is in doubt: then the next one begins with the whole state. */
export interface StreamEnd {
  readonly err: SluiceError;
  readonly whole: boolean;
}

/** Thrown inside: what is held, or what came, is in doubt. */
class InDoubt extends Error {}

/**
 * Follows one stream until it ends: applies what it brings, compares what is held at each heartbeat, acknowledges both.
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
  const { calls, state, acknowledger, onOpen } = options;
  const incarnation = options.incarnation();
  const from = whole || state.epoch() === 0n ? { incarnation } : { incarnation, epoch: state.epoch() };
  let nonce: string | undefined;
  let first = true;
  for await (const line of calls.stream(from, ending.signal)) {
    if (line === '') continue;
    const frame = inDoubtIfThrown('a line is damaged', () => readFrame(line));
    if (frame.type === 'hello') {
      if (frame.stream_nonce === nonce) continue;
      if (nonce !== undefined) throw new InDoubt('a second hello on one stream');
      nonce = frame.stream_nonce;
      const giveUp = (because: SluiceError): void => ending.abort(because);
      const { signal } = ending;
      const octets = Buffer.from(nonce, 'base64url');
      acknowledger.opened({ incarnation, nonce: octets, signal, giveUp, behind: () => first });
      onOpen();
      continue;
    }
    if (nonce === undefined) throw new InDoubt('the stream does not begin with a hello');
    const reception = receive(state.snapshot(), frame, first);
    first = reception.todo === 'refuse';
    await take(options, reception);
  }
}

async function take(options: FollowOptions, reception: Reception): Promise<void> {
  const { state, acknowledger, onFresh } = options;
  switch (reception.todo) {
    case 'nothing':
      return;
    case 'resync':
      throw new InDoubt(reception.because);
    case 'refuse':
      return options.onRolledBack(reception.offered);
    case 'compare': {
      const held = state.snapshot();
      if (held === undefined) throw new InDoubt('nothing is held');
      const digest = await stateDigestInSlices(held);
      if (textOf(digest) !== reception.digest) throw new InDoubt('the digest is another');
      onFresh();
      if (!state.alone()) return acknowledger.again();
      return acknowledger.ended({ epoch: BigInt(held.epoch), digest });
    }
    case 'apply':
      return await apply(options, reception.next, reception.digest);
  }
}

async function apply(
  { state, acknowledger, onFresh, log }: FollowOptions,
  next: Snapshot,
  said: string,
): Promise<void> {
  const digest = await stateDigestInSlices(next);
  if (textOf(digest) !== said) throw new InDoubt('the digest is another');
  const { epoch } = next;
  try {
    const { earlierEnded } = await state.apply(next);
    onFresh();
    void earlierEnded.then(() => acknowledger.ended({ epoch: BigInt(epoch), digest }));
  } catch (thrown) {
    // The older one stays in force. The next heartbeat finds us behind, and then it is tried again.
    const err = asSluiceError(thrown);
    log.error(
      { event: 'snapshot-refused', epoch, err },
      'a state of the registry cannot be applied; the older one stays in force',
    );
    acknowledger.refused(epoch, err);
  }
}

const textOf = (digest: Uint8Array): string => Buffer.from(digest).toString('base64url');

function inDoubtIfThrown<Result>(because: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw new InDoubt(because, { cause });
  }
}
