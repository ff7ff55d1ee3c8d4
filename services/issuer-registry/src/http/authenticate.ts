import type { KeyObject } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { createReplayGuard, verifyToken } from '@sluice/registry-protocol';
import type { Request } from 'express';
import { bodyBytes } from './body.js';
import type { KeyDirectory } from './key-directory.js';

/** Changes this process remembers for 35 s: far above what operators do, and 10 MB at most. */
const replayIdsMax = 50_000;

/** Who signed a call, and the public key that said so. */
export interface Caller {
  readonly name: string;
  readonly key: KeyObject;
}

/** Whoever signed this very call. Throws `unauthorized`, or `unavailable` without the ledger. */
export type Authenticate = (request: Request) => Promise<Caller>;

/** Calls that may change something are accepted once per token: all but GET and HEAD, or, with `once`, every call. */
export function createAuthenticate(
  publicKeyOf: KeyDirectory,
  clock: () => Date,
  { once = false }: { readonly once?: boolean } = {},
): Authenticate {
  const replayGuard = createReplayGuard({ idsMax: replayIdsMax });
  return async (request) => {
    let key: KeyObject | undefined;
    const name = await verifyToken({
      authorization: request.headers.authorization,
      async publicKeyOf(claimed) {
        key = await publicKeyOf(claimed);
        return key;
      },
      method: request.method,
      path: request.originalUrl,
      body: bodyBytes(request),
      now: clock(),
      ...(once || (request.method !== 'GET' && request.method !== 'HEAD') ? { replayGuard } : {}),
    });
    if (key === undefined) throw new SluiceError('unauthorized', 'The token was refused: no key proves it');
    return { name, key };
  };
}
