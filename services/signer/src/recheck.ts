import { asSluiceError, type Code } from '@sluice/errors';
import { refusal } from '@sluice/issuance';
import type { ClaimedRequest } from '@sluice/ledger';
import {
  checkContent,
  checkValidity,
  keyKindOf,
  parseContent,
  publicKeyHash,
  type RequestContent,
  validityOf,
} from '@sluice/pki';
import { caCertificateRefusal } from './ca-certificate-refusal.js';
import type { Refusal } from './signer-context.js';
import type { ReadyProfile, SigningCa, SigningRules } from './signing-rules.js';

/** A row that may be signed, with everything its TBS is filled from. */
export interface CheckedRow {
  readonly row: ClaimedRequest;
  readonly ready: ReadyProfile;
  readonly content: RequestContent;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Step 7, first half: what a compromised front end could have forged in a request row, checked again by pure functions.
 * The claim has checked states under its locks; here it is whether this account may use this profile, whether profile,
 * CA and purpose belong together, whether a CA's certificate is for that CA's own key and within its issuer's path length, whether the content and the key are ones the profile allows *in the revision it is
 * signed under*, whether the certificate would outlive its CA, and whether the key is blocked. `blockedSince`:
 * `keysBlockedSince` of these rows.
 * A refusal that an older snapshot than the claim's gives may be wrong: it becomes `stale-snapshot`, which is queued again.
 */
export function recheck(
  row: ClaimedRequest,
  rules: SigningRules,
  blockedSince: ReadonlySet<string> | undefined,
): CheckedRow | Refusal {
  const blocked = blockedRefusal(row, rules, blockedSince);
  if (blocked) return blocked;
  const checked = checkAll(row, rules);
  if ('row' in checked || rules.epoch >= row.epoch || !registryRefusals.has(checked.code)) return checked;
  return { code: 'stale-snapshot', detail: `${checked.detail}, by a snapshot older than the claim` };
}

/** What is read from the snapshot, and may have changed since; the rest follows from the row and the claimed revision. */
const registryRefusals: ReadonlySet<Code> = new Set([
  'ca-unknown',
  'ca-pending',
  'ca-disabled',
  'ca-retiring',
  'ca-destroying',
  'ca-destroyed',
  'ca-expiring',
  'profile-unknown',
  'profile-disabled',
  'account-disabled',
  'forbidden',
]);

function checkAll(row: ClaimedRequest, rules: SigningRules): CheckedRow | Refusal {
  const ca = rules.cas.get(row.ca);
  if (!ca) return { code: 'ca-unknown', detail: `no CA ${row.ca} in this key group` };
  const own = row.subjectCa === row.ca;
  const state = refusal(ca.state, row.purpose, own);
  if (state) return { code: state, detail: `${row.ca} is ${ca.state}` };
  const account = row.purpose === 'ca-certificate' ? undefined : accountRefusal(row, rules);
  if (account) return account;

  const ready = rules.ready(row.profile, row.profileRevision);
  if (!ready) return withoutTemplate(row, rules);
  if (ready.ca !== row.ca) return { code: 'not-permitted', detail: `profile ${row.profile} belongs to ${ready.ca}` };
  if (ready.document.purpose !== row.purpose) {
    return { code: 'not-permitted', detail: `profile ${row.profile} is for ${ready.document.purpose}` };
  }
  if (Buffer.compare(ready.template.hash, row.templateHash) !== 0) {
    return { code: 'conflict', detail: `another signer fills profile ${row.profile} with other bytes` };
  }
  const ofCa = row.purpose === 'ca-certificate' ? caCertificateRefusal(row, ready.document, ca, rules) : undefined;
  return ofCa ?? checkContents(row, ready, ca, own);
}

/** The list only grows, so that what an older snapshot blocks is blocked. */
function blockedRefusal(
  row: ClaimedRequest,
  rules: SigningRules,
  blockedSince: ReadonlySet<string> | undefined,
): Refusal | undefined {
  if (rules.epoch < row.epoch && blockedSince === undefined) {
    return { code: 'stale-snapshot', detail: 'whether its key is blocked is not known' };
  }
  const keyHash = publicKeyHash(row.spki);
  const blocked = rules.blockedKeys.has(keyHash) || blockedSince?.has(keyHash) === true;
  return blocked ? { code: 'key-blocked', detail: 'the public key is blocked' } : undefined;
}

function accountRefusal(row: ClaimedRequest, rules: SigningRules): Refusal | undefined {
  const account = rules.accounts.get(row.account);
  if (!account) return { code: 'forbidden', detail: 'no such account' };
  if (!account.enabled) return { code: 'account-disabled', detail: 'the account is disabled' };
  if (!account.profiles.has(row.profile)) {
    return { code: 'profile-unknown', detail: `the account may not use profile ${row.profile}` };
  }
  return undefined;
}

/** Claimed under a revision that is not ready here: not in our snapshot yet, or refused to us. */
function withoutTemplate(row: ClaimedRequest, rules: SigningRules): Refusal {
  const profile = rules.profiles.get(row.profile);
  if (!profile) return { code: 'profile-unknown', detail: `no profile ${row.profile}` };
  if (!profile.enabled) return { code: 'profile-disabled', detail: `profile ${row.profile} is disabled` };
  return { code: 'stale-snapshot', detail: `revision ${row.profileRevision} of ${row.profile} is not ready here` };
}

/** How long a front end may take from its look at the ends asked for to the commit, clocks that differ included. */
const acceptanceMsMax = 60_000;

function checkContents(row: ClaimedRequest, ready: ReadyProfile, ca: SigningCa, own: boolean): CheckedRow | Refusal {
  try {
    const content = parseContent(row.content);
    const [first, ...others] = [
      ...checkContent(ready.document, content, keyKindOf(row.spki)),
      ...checkValidity(ready.document, content.validity, {
        acceptedFrom: new Date(row.acceptedAt.getTime() - acceptanceMsMax),
        acceptedUntil: row.acceptedAt,
      }),
    ];
    if (first) {
      return { code: first.code, detail: [first, ...others].map((one) => `${one.pointer}: ${one.detail}`).join('; ') };
    }
    const issuerNotAfter = own ? null : ca.notAfter;
    const { notBefore, notAfter } = validityOf(ready.document, row.notBefore, issuerNotAfter, content.validity);
    return { row, ready, content, notBefore, notAfter };
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    return { code, detail: message };
  }
}
