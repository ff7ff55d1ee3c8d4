import { X509Certificate } from 'node:crypto';

/** What people read of a certificate: serial in lower-case hex, times in ISO 8601. */
export interface CertificateView {
  readonly serial: string;
  readonly not_before: string;
  readonly not_after: string;
  readonly certificate_pem: string;
}

const nothing = { serial: null, not_before: null, not_after: null, certificate_pem: null } as const;

/** `null` members for a certificate that does not exist yet. */
export function certificateView(der: Uint8Array | null): CertificateView | typeof nothing {
  if (der === null) return nothing;
  const certificate = new X509Certificate(der);
  return {
    serial: certificate.serialNumber.toLowerCase(),
    not_before: new Date(certificate.validFrom).toISOString(),
    not_after: new Date(certificate.validTo).toISOString(),
    certificate_pem: certificate.toString(),
  };
}
