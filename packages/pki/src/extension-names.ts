/** Key usage bits by their number (RFC 5280 4.2.1.3), under the names that profiles use. */
export const keyUsageBits = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
  encipherOnly: 7,
  decipherOnly: 8,
} as const;
export type KeyUsage = keyof typeof keyUsageBits;
export const keyUsages = Object.keys(keyUsageBits) as readonly KeyUsage[];

/** Extended key usages that have a name in profiles; others are written as dotted numbers. */
export const extendedKeyUsageOids: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
  // RFC 9336
  documentSigning: '1.3.6.1.5.5.7.3.36',
};

/** 2.5.29.37.0, which no profile may hold (T5). */
export const anyExtendedKeyUsage = '2.5.29.37.0';

/** The dotted number of an extended key usage given by name or number; `undefined` for an unknown name. */
export function extendedKeyUsageOid(usage: string): string | undefined {
  return isOid(usage) ? usage : extendedKeyUsageOids[usage];
}

/** Is this a dotted OBJECT IDENTIFIER that DER can hold and every reader takes (arcs below 2^31)? */
export function isOid(text: string): boolean {
  if (!/^[0-2](\.(0|[1-9]\d{0,9})){2,20}$/.test(text)) return false;
  const [first = 0, second = 0, ...others] = text.split('.').map(Number);
  return (first === 2 || second < 40) && [second, ...others].every((arc) => arc < 2 ** 31);
}

/**
 * The extensions in the order in which they stand in a certificate, with their critical flags (RFC 5280 4.2).
 * Two have no fixed flag: subjectAltName is critical when the subject is empty, extendedKeyUsage when it is timeStamping
 * (RFC 3161 2.3).
 */
export const extensionTable = {
  authorityKeyIdentifier: { oid: '2.5.29.35', critical: false },
  subjectKeyIdentifier: { oid: '2.5.29.14', critical: false },
  keyUsage: { oid: '2.5.29.15', critical: true },
  basicConstraints: { oid: '2.5.29.19', critical: true },
  extendedKeyUsage: { oid: '2.5.29.37', critical: false },
  certificatePolicies: { oid: '2.5.29.32', critical: false },
  crlDistributionPoints: { oid: '2.5.29.31', critical: false },
  authorityInfoAccess: { oid: '1.3.6.1.5.5.7.1.1', critical: false },
  subjectAltName: { oid: '2.5.29.17', critical: false },
  // RFC 9608
  noRevAvail: { oid: '2.5.29.56', critical: false },
  // RFC 6960 4.2.2.2.1
  ocspNoCheck: { oid: '1.3.6.1.5.5.7.48.1.5', critical: false },
} as const;
