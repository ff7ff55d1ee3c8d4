/** Extensions that rules here know, by the names of their modules. */
export type ExtensionName =
  | 'subjectDirectoryAttributes'
  | 'subjectKeyIdentifier'
  | 'keyUsage'
  | 'subjectAltName'
  | 'issuerAltName'
  | 'basicConstraints'
  | 'nameConstraints'
  | 'crlDistributionPoints'
  | 'certificatePolicies'
  | 'policyMappings'
  | 'authorityKeyIdentifier'
  | 'policyConstraints'
  | 'extendedKeyUsage'
  | 'freshestCrl'
  | 'inhibitAnyPolicy'
  | 'noRevAvail'
  | 'authorityInfoAccess'
  | 'subjectInfoAccess'
  | 'qcStatements'
  | 'tlsFeature'
  | 'ocspNoCheck'
  | 'signedCertificateTimestamps';

/** 2.5.29.n (RFC 5280 4.2.1; 56: RFC 9608). */
const certificateExtensions: ReadonlyMap<number, ExtensionName> = new Map([
  [9, 'subjectDirectoryAttributes'],
  [14, 'subjectKeyIdentifier'],
  [15, 'keyUsage'],
  [17, 'subjectAltName'],
  [18, 'issuerAltName'],
  [19, 'basicConstraints'],
  [30, 'nameConstraints'],
  [31, 'crlDistributionPoints'],
  [32, 'certificatePolicies'],
  [33, 'policyMappings'],
  [35, 'authorityKeyIdentifier'],
  [36, 'policyConstraints'],
  [37, 'extendedKeyUsage'],
  [46, 'freshestCrl'],
  [54, 'inhibitAnyPolicy'],
  [56, 'noRevAvail'],
]);

/** Content octets of the others. */
const otherExtensions: readonly (readonly [Uint8Array, ExtensionName])[] = [
  [oid('2b06010505070101'), 'authorityInfoAccess'],
  [oid('2b0601050507010b'), 'subjectInfoAccess'],
  [oid('2b06010505070103'), 'qcStatements'],
  [oid('2b06010505070118'), 'tlsFeature'],
  [oid('2b0601050507300105'), 'ocspNoCheck'],
  [oid('2b06010401d679020402'), 'signedCertificateTimestamps'],
];

export type AttributeForm = 'directory' | 'printable' | 'country' | 'ia5';

/** What a Name may hold under one attribute type (RFC 5280 appendix A.1; X.520 for those that it leaves out). */
export interface AttributeType {
  readonly name: string;
  readonly form: AttributeForm;
  readonly charactersMax: number;
  /** May stand several times in a Name. */
  readonly repeats?: true;
  /** Place in the order of BR 7.1.4.2. */
  readonly place?: number;
}

const noBound = 32_768;

/** 2.5.4.n */
const x520Attributes: ReadonlyMap<number, AttributeType> = new Map([
  [3, { name: 'commonName', form: 'directory', charactersMax: 64, place: 11 }],
  [4, { name: 'surname', form: 'directory', charactersMax: noBound, place: 8 }],
  [5, { name: 'serialNumber', form: 'printable', charactersMax: 64 }],
  [6, { name: 'countryName', form: 'country', charactersMax: 2, place: 2 }],
  [7, { name: 'localityName', form: 'directory', charactersMax: 128, place: 4 }],
  [8, { name: 'stateOrProvinceName', form: 'directory', charactersMax: 128, place: 3 }],
  [9, { name: 'streetAddress', form: 'directory', charactersMax: 128, repeats: true, place: 6 }],
  [10, { name: 'organizationName', form: 'directory', charactersMax: 64, place: 7 }],
  [11, { name: 'organizationalUnitName', form: 'directory', charactersMax: 64, repeats: true, place: 10 }],
  [12, { name: 'title', form: 'directory', charactersMax: 64 }],
  [15, { name: 'businessCategory', form: 'directory', charactersMax: 128 }],
  [17, { name: 'postalCode', form: 'directory', charactersMax: 40, place: 5 }],
  [41, { name: 'name', form: 'directory', charactersMax: noBound }],
  [42, { name: 'givenName', form: 'directory', charactersMax: noBound, place: 9 }],
  [43, { name: 'initials', form: 'directory', charactersMax: noBound }],
  [44, { name: 'generationQualifier', form: 'directory', charactersMax: noBound }],
  [46, { name: 'dnQualifier', form: 'printable', charactersMax: noBound }],
  [65, { name: 'pseudonym', form: 'directory', charactersMax: 128 }],
  [97, { name: 'organizationIdentifier', form: 'directory', charactersMax: noBound }],
] satisfies [number, AttributeType][]);

const otherAttributes: readonly (readonly [Uint8Array, AttributeType])[] = [
  [oid('2a864886f70d010901'), { name: 'emailAddress', form: 'ia5', charactersMax: 255 }],
  [
    oid('0992268993f22c640119'),
    { name: 'domainComponent', form: 'ia5', charactersMax: noBound, repeats: true, place: 1 },
  ],
  [oid('0992268993f22c640101'), { name: 'userId', form: 'directory', charactersMax: 256 }],
];

/** Content octets of an OBJECT IDENTIFIER, from hex. */
export function oid(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function extensionNameOf(bytes: Uint8Array, content: number, end: number): ExtensionName | undefined {
  if (end - content === 3 && bytes[content] === 0x55 && bytes[content + 1] === 0x1d) {
    return certificateExtensions.get(bytes[content + 2] ?? 0);
  }
  return otherExtensions.find(([octets]) => isSame(bytes, content, end, octets))?.[1];
}

export function attributeTypeOf(bytes: Uint8Array, content: number, end: number): AttributeType | undefined {
  if (end - content === 3 && bytes[content] === 0x55 && bytes[content + 1] === 0x04) {
    return x520Attributes.get(bytes[content + 2] ?? 0);
  }
  return otherAttributes.find(([octets]) => isSame(bytes, content, end, octets))?.[1];
}

/** Dotted form of the content octets of an OBJECT IDENTIFIER; arcs beyond 2^53 lose digits. For people only. */
export function dottedOid(bytes: Uint8Array, content: number, end: number): string {
  const arcs: number[] = [];
  let arc = 0;
  for (let at = content; at < end; at += 1) {
    const octet = bytes[at] ?? 0;
    arc = 128 * arc + (octet & 0x7f);
    if (octet > 0x7f) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - 40 * first);
    } else {
      arcs.push(arc);
    }
    arc = 0;
  }
  return arcs.join('.');
}

function isSame(bytes: Uint8Array, content: number, end: number, octets: Uint8Array): boolean {
  if (end - content !== octets.length) return false;
  // From the end: what tells these apart stands there.
  for (let index = octets.length - 1; index >= 0; index -= 1) {
    if (bytes[content + index] !== octets[index]) return false;
  }
  return true;
}
