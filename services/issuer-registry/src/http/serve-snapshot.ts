import type { RequestHandler } from 'express';
import type { Authenticate } from './authenticate.js';
import type { SnapshotSource } from './snapshot-source.js';

/** GET /v1/snapshot, for enrolled services: the whole state with its epoch as ETag, 304 for whoever has that epoch. */
export function serveSnapshot(authenticate: Authenticate, source: SnapshotSource): RequestHandler {
  return async (request, response) => {
    await authenticate(request);
    const epoch = await source.epoch();
    response.setHeader('cache-control', 'no-store');
    if (request.headers['if-none-match'] === `"${epoch}"`) {
      response.setHeader('etag', `"${epoch}"`).status(304).end();
      return;
    }
    const { epoch: readEpoch, json } = await source.snapshot(epoch);
    response.setHeader('etag', `"${readEpoch}"`).type('application/json').send(json);
  };
}
