import { SluiceError } from '@sluice/errors';
import type { Acknowledgement, RegistryStore } from '@sluice/ledger';
import { type AcknowledgementBody, provesApplied } from '@sluice/registry-protocol';
import { createAcknowledgementBatch } from './acknowledgement-batch.js';
import type { Streams } from './streams.js';
import type { Versions } from './versions.js';

export interface Acknowledgements {
  /**
   * In the ledger on return. Throws `conflict` when the proof is not for what this subscriber was sent on its latest
   * stream in its present incarnation, and `unavailable` when the ledger does not answer.
   */
  take(name: string, body: AcknowledgementBody): Promise<void>;
  /** Another database answers: what the epochs before stood for is asked anew. */
  forgetDigests(): void;
}

/** Subscribers are at the same few versions. */
const digestsMax = 16;

/** Any registry process can tell whether an acknowledgement is true: what it is proved with is in the ledger. */
export function createAcknowledgements(options: {
  readonly store: Pick<RegistryStore, 'streamOf' | 'digestOf' | 'acknowledge' | 'refuse'>;
  readonly streams: Pick<Streams, 'of' | 'end'>;
  readonly versions: Pick<Versions, 'newest'>;
}): Acknowledgements {
  const { store, streams, versions } = options;
  const batch = createAcknowledgementBatch((acks) => store.acknowledge(acks));
  const digests = new Map<bigint, Uint8Array>();

  async function digestOf(epoch: bigint): Promise<Uint8Array | undefined> {
    const newest = versions.newest();
    if (newest?.epoch === epoch) return newest.digest;
    const known = digests.get(epoch);
    if (known !== undefined) return known;
    const digest = await store.digestOf(epoch);
    if (digest === undefined) return undefined;
    const [oldest] = digests.keys();
    if (digests.size >= digestsMax && oldest !== undefined) digests.delete(oldest);
    digests.set(epoch, digest);
    return digest;
  }

  /** The nonce that it is proved over; `undefined` when it is not proved. */
  async function provedOver(
    name: string,
    applied: Omit<Acknowledgement, 'nonce'>,
    proof: string,
  ): Promise<Uint8Array | undefined> {
    const digest = await digestOf(applied.epoch);
    if (digest === undefined) return undefined;
    const proves = (stream: { incarnation: bigint; nonce: Uint8Array }): boolean =>
      stream.incarnation === applied.incarnation &&
      provesApplied(proof, { ...applied, digest, streamNonce: stream.nonce });
    const here = streams.of(name);
    if (here !== undefined && proves(here)) return here.nonce;
    const latest = await store.streamOf(name);
    if (latest === undefined) return undefined;
    if (here !== undefined && Buffer.compare(here.nonce, latest.nonce) !== 0) streams.end(name);
    return proves(latest) ? latest.nonce : undefined;
  }

  return {
    forgetDigests: () => digests.clear(),
    async take(name, body) {
      const [incarnation, epoch] = [BigInt(body.incarnation), BigInt(body.epoch)];
      if ('refused' in body) {
        await store.refuse({ name, incarnation, epoch, ...body.refused });
        return;
      }
      const nonce = await provedOver(name, { name, incarnation, epoch }, body.proof);
      const verdict = nonce === undefined ? 'conflict' : await batch.keep({ name, incarnation, epoch, nonce });
      if (verdict === 'conflict') {
        throw new SluiceError('conflict', 'This does not prove what was sent on the latest stream of this subscriber', {
          facts: { epoch: body.epoch, what_to_do: 'Open a stream and acknowledge what it brings.' },
        });
      }
    },
  };
}
