/** One element: the parts as its content. Small on purpose, and apart from every writer under test. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x1_0000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...header), content]);
}

export const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
export const seq = (...parts: readonly Uint8Array[]): Uint8Array => der(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Uint8Array => der(0x31, ...parts);
export const int = (content: string): Uint8Array => der(0x02, hex(content));
export const oid = (content: string): Uint8Array => der(0x06, hex(content));
export const octets = (...parts: readonly Uint8Array[]): Uint8Array => der(0x04, ...parts);
export const bits = (unused: number, content: Uint8Array): Uint8Array => der(0x03, Buffer.of(unused), content);
export const text = (tag: number, value: string): Uint8Array => der(tag, Buffer.from(value, 'utf8'));
export const utf8 = (value: string): Uint8Array => text(0x0c, value);
export const printable = (value: string): Uint8Array => text(0x13, value);
export const ia5 = (value: string): Uint8Array => text(0x16, value);
export const utcTime = (value: string): Uint8Array => text(0x17, value);
export const generalizedTime = (value: string): Uint8Array => text(0x18, value);
export const nothing = der(0x05);
export const yes = hex('0101ff');

/** A RelativeDistinguishedName of one attribute; `type` as hex of the OBJECT IDENTIFIER's content. */
export const rdn = (type: string, value: Uint8Array): Uint8Array => set(seq(oid(type), value));
export const name = (...rdns: readonly Uint8Array[]): Uint8Array => seq(...rdns);

/** An Extension; `id` as hex of the OBJECT IDENTIFIER's content. */
export function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return seq(oid(id), ...(critical ? [yes] : []), octets(value));
}

/** Attribute types and extensions by hex of their OBJECT IDENTIFIER's content. */
export const types = {
  commonName: '550403',
  serialNumber: '550405',
  country: '550406',
  locality: '550407',
  organization: '55040a',
  unit: '55040b',
  email: '2a864886f70d010901',
  domainComponent: '0992268993f22c640119',
} as const;

export const ids = {
  subjectDirectoryAttributes: '551d09',
  subjectKeyIdentifier: '551d0e',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  issuerAltName: '551d12',
  basicConstraints: '551d13',
  nameConstraints: '551d1e',
  crlDistributionPoints: '551d1f',
  certificatePolicies: '551d20',
  policyMappings: '551d21',
  authorityKeyIdentifier: '551d23',
  policyConstraints: '551d24',
  extendedKeyUsage: '551d25',
  freshestCrl: '551d2e',
  inhibitAnyPolicy: '551d36',
  noRevAvail: '551d38',
  authorityInfoAccess: '2b06010505070101',
  subjectInfoAccess: '2b0601050507010b',
  tlsFeature: '2b06010505070118',
  ocspNoCheck: '2b0601050507300105',
  signedCertificateTimestamps: '2b06010401d679020402',
} as const;
