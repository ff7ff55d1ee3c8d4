import { randomBytes } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { RegistryStore } from '@sluice/ledger';
import { epochSchema, streamMediaType, streamNonceBytes } from '@sluice/registry-protocol';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Streams } from '../push/streams.js';
import type { Versions } from '../push/versions.js';
import type { Authenticate } from './authenticate.js';

const querySchema = z.strictObject({
  incarnation: epochSchema,
  epoch: epochSchema.optional(),
  whole: z.literal('true').optional(),
});

/**
 * GET /v1/stream?incarnation=N&epoch=E, for enrolled services: what they missed since that epoch (without it, and with
 * `&whole=true`: all there is), then each change, and heartbeats; NDJSON, until one side ends it. Throws `fenced` for an incarnation that is not
 * the present one, `unavailable` without the ledger or when there are as many streams as may be.
 */
export function serveStream(options: {
  readonly authenticate: Authenticate;
  readonly store: Pick<RegistryStore, 'openStream'>;
  readonly versions: Versions;
  readonly streams: Streams;
}): RequestHandler {
  const { authenticate, store, versions, streams } = options;
  return async (request, response) => {
    const { name, key } = await authenticate(request);
    const query = querySchema.safeParse(
      Object.fromEntries(new URL(request.originalUrl, 'http://registry').searchParams),
    );
    if (!query.success) throw new SluiceError('body-invalid', 'The query is incarnation=N, epoch=E and whole=true');
    const incarnation = BigInt(query.data.incarnation);
    // 0 is nobody's state: all of it, then.
    const heldEpoch = BigInt(query.data.epoch ?? 0);
    const epoch = query.data.whole === undefined ? heldEpoch || undefined : undefined;
    const giveUpPlace = streams.admit(name);
    try {
      // Whoever is ahead of us heard of a change from another process; only the ledger can say whether there is one.
      if (epoch === undefined || epoch > (versions.newest()?.epoch ?? 0n)) await versions.look();
      const nonce = randomBytes(streamNonceBytes);
      const standing = await store.openStream(name, incarnation, nonce, heldEpoch);
      // Whoever went away meanwhile has opened another one, perhaps, which this must not replace.
      if (response.destroyed) return;
      response.setHeader('cache-control', 'no-store');
      response.status(200).type(streamMediaType);
      response.flushHeaders();
      streams.add({ name, key, incarnation, nonce, standing, epoch, outlet: response });
    } finally {
      giveUpPlace();
    }
  };
}
