import type { z } from 'zod';
import { type Answer, jsonAnswer } from './answer.js';
import type { nonceSchema } from './api/schemas.js';
import type { Call } from './call.js';
import type { Front } from './front.js';
import { authenticate } from './steps/1-authenticate.js';

/** `POST /nonce`: what a proof of possession is signed over. Nothing is stored; any front end accepts it. */
export function createPostNonce(front: Front): (call: Call) => Promise<Answer> {
  return async (call) => {
    const account = authenticate(front.directory(), call.request.headers.authorization);
    const { nonce, expiresAt } = front.nonces.give(account.name, front.clock.epochMs());
    const body: z.infer<typeof nonceSchema> = { nonce, expires_at: expiresAt.toISOString(), account: account.name };
    return jsonAnswer(200, body);
  };
}
