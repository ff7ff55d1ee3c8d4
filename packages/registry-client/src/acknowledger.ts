import { asSluiceError, type SluiceError } from '@sluice/errors';
import type { Log } from '@sluice/lifecycle';
import { type AcknowledgementBody, acknowledgementProof, refusalText } from '@sluice/registry-protocol';
import type { RegistryCalls } from './registry-calls.js';
import type { Version } from './state-in-force.js';

/** The stream that acknowledgements are made over. */
export interface OpenStream {
  readonly incarnation: bigint;
  readonly nonce: Uint8Array;
  /** Whether the registry has that epoch, as it is here: it would not believe an acknowledgement otherwise. */
  readonly knows: (epoch: bigint) => boolean;
  /** Ends with the stream. */
  readonly signal: AbortSignal;
  /** Ends it: the registry does not believe us, so nothing said on it is worth anything. */
  readonly giveUp: (because: SluiceError) => void;
}

/** Tells the registry what is in force here. Nothing it does fails: what was not heard is said again with the next heartbeat. */
export interface Acknowledger {
  opened(stream: OpenStream): void;
  /** In force, and all that began under an older state has ended. Told at once when a stream is open, each time. */
  ended(version: Version): void;
  /** Says again how far we were, while what began then has not ended: that is how the registry hears that we live. */
  again(): void;
  refused(epoch: string, error: SluiceError): void;
}

export function createAcknowledger(options: {
  readonly name: string;
  readonly calls: Pick<RegistryCalls, 'acknowledge'>;
  readonly log: Log;
}): Acknowledger {
  const { name, calls, log } = options;
  let stream: OpenStream | undefined;
  let latest: Version | undefined;
  let refusal: { readonly epoch: string; readonly code: string; readonly reason: string } | undefined;
  let wanted = false;
  let sending = false;
  let unheard = false;

  function body({ incarnation, nonce: streamNonce, knows }: OpenStream): AcknowledgementBody | undefined {
    const told = { incarnation: String(incarnation) };
    if (refusal !== undefined) {
      const { epoch, code, reason } = refusal;
      refusal = undefined;
      // What is in force instead is told behind it.
      wanted = true;
      return { ...told, epoch, refused: { code, reason } };
    }
    if (latest === undefined || !knows(latest.epoch)) return undefined;
    const proof = acknowledgementProof({ name, incarnation, ...latest, streamNonce });
    return { ...told, epoch: String(latest.epoch), proof };
  }

  async function sendOnce(open: OpenStream): Promise<void> {
    const said = body(open);
    if (said === undefined) return;
    try {
      await calls.acknowledge(said, open.signal);
      unheard = false;
    } catch (thrown) {
      if (open.signal.aborted) return;
      const err = asSluiceError(thrown);
      if (!unheard)
        log.warn({ event: 'acknowledgement-failed', epoch: said.epoch, err }, 'the registry did not take it');
      unheard = true;
      if (err.code === 'conflict' || err.code === 'fenced') open.giveUp(err);
    }
  }

  /** One at a time; what comes meanwhile is told by one more. */
  async function send(): Promise<void> {
    wanted = true;
    if (sending) return;
    sending = true;
    while (wanted && stream !== undefined && !stream.signal.aborted) {
      wanted = false;
      await sendOnce(stream);
    }
    sending = false;
  }

  return {
    opened(next) {
      stream = next;
    },
    ended(version) {
      // The waits for what is under way end in their own order.
      if (latest !== undefined && version.epoch < latest.epoch) return;
      latest = version;
      void send();
    },
    again: () => void send(),
    refused(epoch, { code, message }) {
      refusal = { epoch, code, reason: refusalText(message) };
      void send();
    },
  };
}
