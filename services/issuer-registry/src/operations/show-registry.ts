import type { AccountView, CaDetail, CaView, ProfileView } from '@sluice/registry-protocol';
import { accountView } from '../views/account-view.js';
import { caView } from '../views/ca-view.js';
import { profileView } from '../views/profile-view.js';
import { workOf } from '../views/work-view.js';
import type { AdminContext } from './admin-context.js';
import { findByName } from './find-by-name.js';

/** Every CA, with the epoch of the reading. */
export async function listCas({ store }: AdminContext): Promise<{ epoch: string; cas: CaView[] }> {
  const { epoch, cas } = await store.state();
  return { epoch: String(epoch), cas: cas.map(caView) };
}

/** With what waits for it. Throws `not-found`. */
export async function showCa({ store, queue }: AdminContext, name: string): Promise<CaDetail> {
  const ca = findByName((await store.state()).cas, 'CA', name);
  return { ...caView(ca), work: workOf(name, (await queue.now()).rows) };
}

/** The current revision of every profile, with the epoch of the reading. */
export async function listProfiles({ store }: AdminContext): Promise<{ epoch: string; profiles: ProfileView[] }> {
  const { epoch, profiles } = await store.state();
  return { epoch: String(epoch), profiles: profiles.map(profileView) };
}

/** Throws `not-found`. */
export async function showProfile({ store }: AdminContext, name: string): Promise<ProfileView> {
  return profileView(findByName((await store.state()).profiles, 'profile', name));
}

/** Every account, with the epoch of the reading. Keys appear as hashes only. */
export async function listAccounts({ store }: AdminContext): Promise<{ epoch: string; accounts: AccountView[] }> {
  const { epoch, accounts } = await store.state();
  return { epoch: String(epoch), accounts: accounts.map(accountView) };
}

/** Throws `not-found`. */
export async function showAccount({ store }: AdminContext, name: string): Promise<AccountView> {
  return accountView(findByName((await store.state()).accounts, 'account', name));
}
