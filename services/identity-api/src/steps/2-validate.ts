import { codes, SluiceError } from '@sluice/errors';
import { refusal } from '@sluice/issuance';
import {
  applyStatics,
  canonicalContent,
  checkContent,
  checkValidity,
  fingerprint,
  type ProfileDocument,
} from '@sluice/pki';
import type { Directory, DirectoryAccount, DirectoryCa, DirectoryProfile } from '../directory.js';
import { isSome, type RequestFinding, refusedFor } from '../findings.js';
import type { Order } from './1-read-order.js';
import { findPossessionFault, keyPointer, type Possession, readSubjectKey, type SubjectKey } from './2-subject-key.js';

/** An order that the profile and the CA's state have nothing against. That its sender has the key is not yet shown. */
export interface ValidOrder {
  readonly profile: DirectoryProfile;
  readonly ca: DirectoryCa;
  /** Canonical JSON, the profile's static fields put in. */
  readonly content: string;
  readonly key: SubjectKey;
  readonly fingerprint: Uint8Array;
}

/**
 * Step 2: what the registry permits, from the pushed snapshot, and what the profile says against the content. Permanent
 * problems, told at once: retrying does not help. The claim checks the same again, under its lock; so an old snapshot
 * makes this late, never wrong. `nowMs`: milliseconds since 1970.
 */
export function validate(directory: Directory, account: DirectoryAccount, order: Order, nowMs: number): ValidOrder {
  const profile = account.profiles.has(order.profile) ? directory.profile(order.profile) : undefined;
  // One answer for "is not there" and "is not yours": others' profiles are none of this account's business.
  if (profile === undefined || profile.document.purpose !== 'subscriber') throw profileRefused('profile-unknown');
  if (!profile.enabled) throw profileRefused('profile-disabled');
  const ca = directory.ca(profile.ca);
  if (ca === undefined) throw new SluiceError('ca-unknown', undefined, { facts: { ca: profile.ca } });
  const refused = refusal(ca.state, 'subscriber');
  if (refused !== undefined) throw new SluiceError(refused, undefined, { facts: { ca: ca.name } });

  const key = check(profile.document, order, ca, nowMs);
  const content = canonicalContent(applyStatics(profile.document, order.content));
  return { profile, ca, content, key, fingerprint: fingerprint(account.name, profile.name, key.brought.spki, content) };
}

/** The form of the key, the names, and the ends asked for: all that is wrong is told at once. */
function check(document: ProfileDocument, order: Order, ca: DirectoryCa, nowMs: number): SubjectKey {
  const key = readSubjectKey(order.key);
  // Of a key that cannot be read enough is said: it passes as one that the profile takes.
  const keyKind = 'pointer' in key ? document.keys[0] : key.brought.keyKind;
  const findings: RequestFinding[] =
    keyKind === undefined ? [] : checkContent(document, order.content, keyKind, keyPointer(order.key));
  const now = new Date(nowMs);
  const bounds = { acceptedFrom: now, acceptedUntil: now, issuer: ca.validity };
  findings.push(...checkValidity(document, order.content.validity, bounds));
  if ('pointer' in key) throw refusedFor([key, ...findings], { message: key.detail });
  if (isSome(findings)) throw refusedFor(findings);
  return key;
}

/** The dear half. Throws `csr-invalid`, `nonce-invalid`, `proof-invalid`, `key-weak` or `key-blocked`. */
export async function verify(key: SubjectKey, possession: Possession): Promise<void> {
  const finding = await findPossessionFault(key, possession);
  if (finding !== undefined) throw refusedFor([finding], { message: finding.detail });
}

function profileRefused(code: 'profile-unknown' | 'profile-disabled'): SluiceError {
  return refusedFor([{ pointer: '/profile', code, detail: codes[code].title }], { message: codes[code].title });
}
