import { acknowledgementProof } from '@sluice/registry-protocol';
import { expect, it } from 'vitest';
import { createAcknowledgements } from './acknowledgements.js';

it('after another database was put in the place of the first, an epoch stands for what it is there', async () => {
  const [before, after] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const stream = { incarnation: 1n, nonce: Buffer.alloc(16) };
  let sealed = before;
  const acknowledgements = createAcknowledgements({
    store: {
      streamOf: async () => stream,
      digestOf: async () => sealed,
      acknowledge: async (acks) => acks.map(() => 'acknowledged'),
      refuse: async () => undefined,
    },
    streams: { of: () => stream, end: () => undefined },
    versions: { newest: () => undefined },
  });
  const take = (digest: Uint8Array): Promise<void> => {
    const proof = acknowledgementProof({ name: 's', epoch: 7n, digest, incarnation: 1n, streamNonce: stream.nonce });
    return acknowledgements.take('s', { incarnation: '1', epoch: '7', proof });
  };
  await take(before);
  sealed = after;
  acknowledgements.forgetDigests();
  await expect(take(before)).rejects.toMatchObject({ code: 'conflict' });
  await take(after);
});
