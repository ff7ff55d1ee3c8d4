import { acknowledgementBodySchema } from '@sluice/registry-protocol';
import type { RequestHandler } from 'express';
import type { Acknowledgements } from '../push/acknowledgements.js';
import type { Authenticate } from './authenticate.js';
import { parseBody } from './body.js';

/** POST /v1/acknowledgements, for enrolled services: what is in force there, proved, or refused and why. In the ledger when it answers. */
export function takeAcknowledgement(authenticate: Authenticate, acknowledgements: Acknowledgements): RequestHandler {
  return async (request, response) => {
    const { name } = await authenticate(request);
    await acknowledgements.take(name, parseBody(request, acknowledgementBodySchema));
    response.setHeader('cache-control', 'no-store');
    response.status(200).json({});
  };
}
