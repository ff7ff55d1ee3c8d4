import { createHash } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { AddApiKeyAnswer, AddApiKeyBody, RevokeApiKeyAnswer, RevokeApiKeyBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { findByName } from './find-by-name.js';

const secretLengthBytes = 32;

/** `slk_` and 32 random bytes in base64url, with its SHA-256, which is all that is ever stored. */
export function newApiKey({ randomBytes }: Pick<AdminContext, 'randomBytes'>): { apiKey: string; hash: Uint8Array } {
  const apiKey = `slk_${Buffer.from(randomBytes(secretLengthBytes)).toString('base64url')}`;
  return { apiKey, hash: createHash('sha256').update(apiKey).digest() };
}

/**
 * A further key for an account. Durable on return with a new epoch; it works where that is applied. When this answer is
 * lost, so is the key: revoke it, make another. Throws `not-found`.
 */
export async function addApiKey(
  context: AdminContext,
  operator: string,
  name: string,
  { dry_run }: AddApiKeyBody,
): Promise<AddApiKeyAnswer> {
  const state = await context.store.state();
  findByName(state.accounts, 'account', name);
  if (dry_run === true) {
    return { dry_run: true, epoch: String(state.epoch), name, api_key: null, api_key_hash: null };
  }
  const { apiKey, hash } = newApiKey(context);
  const { epoch } = await context.store.addApiKey(operator, name, hash);
  const api_key_hash = Buffer.from(hash).toString('hex');
  return { dry_run: false, epoch: String(epoch), name, api_key: apiKey, api_key_hash };
}

/**
 * A key works no more, for good. Durable on return with a new epoch; refused wherever that is applied. Throws
 * `not-found` for an account or a key that is not there (revoked ones are not), `conflict` when somebody was first.
 */
export async function revokeApiKey(
  { store }: AdminContext,
  operator: string,
  name: string,
  { api_key_hash, reason, dry_run }: RevokeApiKeyBody,
): Promise<RevokeApiKeyAnswer> {
  const state = await store.state();
  const { apiKeyHashes } = findByName(state.accounts, 'account', name);
  const hash = Buffer.from(api_key_hash, 'hex');
  const left = apiKeyHashes.filter((known) => Buffer.compare(known, hash) !== 0).length;
  if (left === apiKeyHashes.length) {
    throw new SluiceError('not-found', `The account ${name} has no such key in force`, {
      facts: { what_to_do: `See sluice account show ${name}.` },
    });
  }
  const answer = { name, api_key_hash, api_keys_left: left };
  if (dry_run === true) return { dry_run: true, epoch: String(state.epoch), ...answer };
  const { epoch } = await store.revokeApiKey(operator, name, hash, reason);
  return { dry_run: false, epoch: String(epoch), ...answer };
}
