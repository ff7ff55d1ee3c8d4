import { SluiceError } from '@sluice/errors';
import { refusal } from '@sluice/issuance';
import {
  applyStatics,
  canonicalContent,
  checkContent,
  type Finding,
  fingerprint,
  type ParsedCsr,
  parseCsr,
} from '@sluice/pki';
import type { Directory, DirectoryAccount, DirectoryCa, DirectoryProfile } from '../directory.js';
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
  if (profile === undefined || profile.document.purpose !== 'subscriber') {
    throw new SluiceError('profile-unknown', undefined, { facts: { pointer: '/profile' } });
  }
  if (!profile.enabled) throw new SluiceError('profile-disabled', undefined, { facts: { pointer: '/profile' } });
  const ca = directory.ca(profile.ca);
  if (ca === undefined) throw new SluiceError('ca-unknown', undefined, { facts: { ca: profile.ca } });
  const refused = refusal(ca.state, 'subscriber');
  if (refused !== undefined) throw new SluiceError(refused, undefined, { facts: { ca: ca.name } });

  // The cheap half of the CSR's checks: its form.
  const csr = withPointer(() => parseCsr(order.csr));
  const findings = checkContent(profile.document, order.content, csr.keyKind);
  const [first] = findings;
  if (first !== undefined) throw refusedContent(first, findings);
  const content = canonicalContent(applyStatics(profile.document, order.content));
  return { profile, ca, content, csr, fingerprint: fingerprint(account.name, profile.name, csr.spki, content) };
}

/** Runs a check of the CSR; its error gets the pointer to the member at fault. */
export function withPointer<T>(check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || (thrown.code !== 'csr-invalid' && thrown.code !== 'key-weak')) throw thrown;
    const facts = { ...thrown.facts, pointer: '/csr' };
    throw new SluiceError(thrown.code, thrown.message, { facts, cause: thrown });
  }
}

/** The first finding is the problem; all of them stand in it. */
function refusedContent(first: Finding, findings: readonly Finding[]): SluiceError {
  return new SluiceError(first.code, `${first.pointer} ${first.detail}`, {
    facts: { pointer: first.pointer, findings },
  });
}
