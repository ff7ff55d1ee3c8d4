import { hash } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { Directory, DirectoryAccount } from '../directory.js';

const bearer = /^Bearer[ ]+(slk_[A-Za-z0-9_-]{43})$/i;

/**
 * Step 1: whose API key is it? Only hashes of keys are known here (SHA-256 of the whole key), and a look-up by hash
 * tells nothing by its timing. Throws `unauthorized` or, for the right key of an account out of use, `account-disabled`.
 */
export function authenticate(directory: Directory, authorization: string | undefined): DirectoryAccount {
  const key = authorization === undefined ? undefined : bearer.exec(authorization)?.[1];
  const account = key === undefined ? undefined : directory.accountByKeyHash(hash('sha256', key, 'hex'));
  if (account === undefined) throw new SluiceError('unauthorized');
  if (!account.enabled) throw new SluiceError('account-disabled');
  return account;
}
