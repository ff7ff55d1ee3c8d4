import { SluiceError } from '@sluice/errors';
import type { CreateAccountAnswer, CreateAccountBody } from '@sluice/registry-protocol';
import { limitsFrom } from '../views/limits-view.js';
import type { AdminContext } from './admin-context.js';
import { newApiKey } from './api-keys.js';

/**
 * Makes an account and its API key. Durable on return with a new epoch. Only
 * the key's SHA-256 is stored: when this answer is lost, the key is lost, and another has to be added.
 * Throws `conflict` when the name is taken, `profile-unknown` for a profile that no account may use.
 */
export async function createAccount(
  context: AdminContext,
  operator: string,
  body: CreateAccountBody,
): Promise<CreateAccountAnswer> {
  const state = await context.store.state();
  if (state.accounts.some(({ name }) => name === body.name)) {
    throw new SluiceError('conflict', `An account named ${body.name} exists`, { facts: { pointer: '/name' } });
  }
  for (const [index, profileName] of body.profiles.entries()) {
    const profile = state.profiles.find(({ name }) => name === profileName);
    if (profile?.purpose === 'subscriber') continue;
    const fault = profile === undefined ? 'does not exist' : `is for ${profile.purpose}, not for subscribers`;
    throw new SluiceError('profile-unknown', `The profile ${profileName} ${fault}`, {
      facts: { pointer: `/profiles/${index}`, what_to_do: 'Name subscriber profiles; see sluice profile ls.' },
    });
  }
  const profiles = [...new Set(body.profiles)].sort();
  const { name } = body;
  if (body.dry_run === true) {
    return { dry_run: true, epoch: String(state.epoch), name, profiles, api_key: null };
  }
  const limits = limitsFrom(body.limits ?? {});
  const { apiKey, hash } = newApiKey(context);
  const { epoch } = await context.store.createAccount(operator, { name, profiles, apiKeyHash: hash, limits });
  return { dry_run: false, epoch: String(epoch), name, profiles, api_key: apiKey };
}
