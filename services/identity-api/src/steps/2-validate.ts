import { type Code, codes, SluiceError } from '@sluice/errors';
import { refusal } from '@sluice/issuance';
import {
  applyStatics,
  canonicalContent,
  checkContent,
  fingerprint,
  type ParsedCsr,
  type ProfileDocument,
  parseCsr,
  verifyCsr,
} from '@sluice/pki';
import type { Directory, DirectoryAccount, DirectoryCa, DirectoryProfile } from '../directory.js';
import { isSome, type RequestFinding, refusedFor } from '../findings.js';
import type { Order } from './1-read-order.js';

/** An order that the profile and the CA's state have nothing against. Its CSR's signature is not yet checked. */
export interface ValidOrder {
  readonly profile: DirectoryProfile;
  readonly ca: DirectoryCa;
  /** Canonical JSON, the profile's static fields put in. */
  readonly content: string;
  readonly csr: ParsedCsr;
  readonly fingerprint: Uint8Array;
}

/**
 * Step 2: what the registry permits, from the pushed snapshot, and what the profile says against the content. Permanent
 * problems, told at once: retrying does not help. The claim checks the same again, under its lock; so an old snapshot
 * makes this late, never wrong.
 */
export function validate(directory: Directory, account: DirectoryAccount, order: Order): ValidOrder {
  const profile = account.profiles.has(order.profile) ? directory.profile(order.profile) : undefined;
  // One answer for "is not there" and "is not yours": others' profiles are none of this account's business.
  if (profile === undefined || profile.document.purpose !== 'subscriber') throw profileRefused('profile-unknown');
  if (!profile.enabled) throw profileRefused('profile-disabled');
  const ca = directory.ca(profile.ca);
  if (ca === undefined) throw new SluiceError('ca-unknown', undefined, { facts: { ca: profile.ca } });
  const refused = refusal(ca.state, 'subscriber');
  if (refused !== undefined) throw new SluiceError(refused, undefined, { facts: { ca: ca.name } });

  const csr = check(profile.document, order);
  const content = canonicalContent(applyStatics(profile.document, order.content));
  return { profile, ca, content, csr, fingerprint: fingerprint(account.name, profile.name, csr.spki, content) };
}

/** The cheap half of the CSR's checks (its form), and the names: all that is wrong is told at once. */
function check(document: ProfileDocument, order: Order): ParsedCsr {
  const csr = csrOrFinding(() => parseCsr(order.csr));
  // Of a CSR that cannot be read enough is said: its key passes as one that the profile takes.
  const keyKind = 'pointer' in csr ? document.keys[0] : csr.keyKind;
  const findings: RequestFinding[] = keyKind === undefined ? [] : checkContent(document, order.content, keyKind);
  if ('pointer' in csr) throw refusedFor([csr, ...findings], { message: csr.detail });
  if (isSome(findings)) throw refusedFor(findings);
  return csr;
}

/** The dear half: is it signed by its own key, and is that key sound, and none of `blockedKeys`? Throws `csr-invalid`, `key-weak` or `key-blocked`. */
export function verify(csr: ParsedCsr, blockedKeys: Directory['blockedKeys']): void {
  const finding = csrOrFinding<undefined>(() => void verifyCsr(csr, blockedKeys));
  if (finding !== undefined) throw refusedFor([finding], { message: finding.detail });
}

const csrCodes: ReadonlySet<Code> = new Set(['csr-invalid', 'key-weak', 'key-blocked']);

function csrOrFinding<T>(read: () => T): T | RequestFinding {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || !csrCodes.has(thrown.code)) throw thrown;
    return { pointer: '/csr', code: thrown.code, detail: thrown.message };
  }
}

function profileRefused(code: 'profile-unknown' | 'profile-disabled'): SluiceError {
  return refusedFor([{ pointer: '/profile', code, detail: codes[code].title }], { message: codes[code].title });
}
