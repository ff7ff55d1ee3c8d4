import { SluiceError } from '@sluice/errors';
import type { CaRow, RegistryState } from '@sluice/ledger';
import { checkProfile, type ProfileDocument, pathLengthFault, readCertificate, validityOf } from '@sluice/pki';

/** From the issuer's certificate; while it has none, from the profile that it will be made by. */
function pathLengthOf(issuer: CaRow, state: RegistryState): number | undefined {
  if (issuer.certificate !== null) return readCertificate(issuer.certificate).pathLength;
  const profile = state.profiles.find(({ name }) => name === issuer.certificateProfile);
  return profile && checkProfile(profile.document).basic_constraints?.path_length;
}

/**
 * May this issuer certify a CA by this document, now? Throws `not-permitted` when the issuer's path length does not
 * allow it (RFC 5280 4.2.1.9), and `ca-expiring` when the certificate would outlive the issuer's. Signers ask the same
 * again: what they would refuse must not become a CA that is pending for ever.
 */
export function checkIssuerBounds(state: RegistryState, issuer: CaRow, document: ProfileDocument, now: Date): void {
  const fault = pathLengthFault(pathLengthOf(issuer, state), document);
  if (fault !== undefined) {
    throw new SluiceError('not-permitted', `${issuer.name} cannot certify this CA: ${fault}`, {
      facts: { pointer: '/profile', what_to_do: 'Choose an issuer or a profile whose path lengths go together.' },
    });
  }
  if (issuer.certificate === null) return;
  const { notAfter: issuerNotAfter } = readCertificate(issuer.certificate);
  const notBefore = new Date(now.getTime() - document.backdate_seconds * 1000);
  const { notAfter } = validityOf(document, notBefore, null);
  if (notAfter <= issuerNotAfter) return;
  const [until, issuerUntil] = [notAfter, issuerNotAfter].map((time) => time.toISOString());
  throw new SluiceError(
    'ca-expiring',
    `The certificate would end ${until}, after that of ${issuer.name} (${issuerUntil})`,
    {
      facts: { pointer: '/profile', not_after: until, ca_not_after: issuerUntil },
    },
  );
}
