import type { ClaimedRequest } from '@sluice/ledger';
import { type ProfileDocument, pathLengthFault } from '@sluice/pki';
import type { Refusal } from './signer-context.js';
import type { SigningCa, SigningRules } from './signing-rules.js';

/**
 * Why this row's certificate of a CA is not signed, or `undefined`. A registry role that was taken over could put
 * anybody's key into such a row: only the key that a signer made for that CA, as the snapshot has it, is certified.
 * And no CA gets a certificate that its issuer's path length does not allow (RFC 5280 4.2.1.9).
 */
export function caCertificateRefusal(
  row: ClaimedRequest,
  document: ProfileDocument,
  issuer: SigningCa,
  rules: SigningRules,
): Refusal | undefined {
  const subject = row.subjectCa ?? '';
  const known = rules.caKeys.get(subject);
  if (known === undefined || Buffer.compare(known, row.spki) !== 0) {
    // A key that was made a moment ago is not in an older snapshot than the claim's.
    const code = rules.epoch < row.epoch ? 'stale-snapshot' : 'not-permitted';
    return { code, detail: `the key to certify is not the one that ${subject} has` };
  }
  if (subject === issuer.name) return undefined;
  const fault = pathLengthFault(issuer.pathLength, document);
  return fault === undefined ? undefined : { code: 'not-permitted', detail: fault };
}
