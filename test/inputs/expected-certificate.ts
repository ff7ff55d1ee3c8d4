import { hash, X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { CustomExtension, ProfileDocument, StringType, TypedRule, TypedValue } from '@sluice/pki';
import { at, readTree, type Tree } from './tree.js';

/** The body of `POST /identity`. */
export interface Order {
  readonly profile: string;
  readonly subject_dn: Readonly<Record<string, string | readonly string[] | readonly TypedValue[]>>;
  readonly san?: Readonly<Record<string, readonly string[] | readonly TypedValue[]>>;
  readonly csr: string;
  /** RFC 3339, whole seconds. */
  readonly validity?: { readonly not_before?: string; readonly not_after?: string };
}

/** What a certificate takes over from the one of its CA. */
export interface IssuerFacts {
  readonly name: Tree;
  readonly keyIdentifier: string;
  readonly signatureAlgorithm: Tree;
}

const seq = (...elements: readonly Tree[]): Tree => ['SEQUENCE', elements];
const oid = (dotted: string): Tree => ['OBJECT IDENTIFIER', dotted];
const hexOf = (text: string): string => Buffer.from(text, 'utf8').toString('hex');

const signatures: Readonly<Record<string, Tree>> = {
  prime256v1: seq(oid('1.2.840.10045.4.3.2')),
  secp384r1: seq(oid('1.2.840.10045.4.3.3')),
  ed25519: seq(oid('1.3.101.112')),
  rsa: seq(oid('1.2.840.113549.1.1.11'), ['NULL', '']),
};

export function issuerFactsOf(caPem: string): IssuerFacts {
  const ca = new X509Certificate(caPem);
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: details } = ca.publicKey;
  const signatureAlgorithm = signatures[details?.namedCurve ?? type];
  if (signatureAlgorithm === undefined) throw new Error(`a CA key of ${type}`);
  const keyIdentifier = keyIdentifierOf(new Uint8Array(ca.publicKey.export({ type: 'spki', format: 'der' })));
  return { name: at(readTree(ca.raw), 0, 5), keyIdentifier, signatureAlgorithm };
}

/** RFC 7093 2, method 1. */
function keyIdentifierOf(spki: Uint8Array): string {
  const [, bits] = at(readTree(spki), 1);
  return hash('sha256', Buffer.from(String(bits).slice(2), 'hex')).slice(0, 40);
}

/**
 * The certificate that this order is to get by this profile, whole but for its signature: written down anew from the
 * profile's words, RFC 5280 and the requirements, with nothing of what makes certificates here.
 */
export function expectedCertificate(asked: {
  readonly document: ProfileDocument;
  readonly order: Pick<Order, 'subject_dn' | 'san' | 'validity'>;
  readonly spki: Uint8Array;
  readonly issuer: IssuerFacts;
  /** Lower-case hex, as answered. */
  readonly serial: string;
  readonly notBefore: Date;
}): Tree {
  const { document, order, spki, issuer, serial, notBefore } = asked;
  const notAfter = notAfterOf(document, order.validity, notBefore);
  const subject = subjectOf(document, order.subject_dn);
  const tbs = seq(
    ['[0]', [['INTEGER', '02']]],
    ['INTEGER', serial],
    issuer.signatureAlgorithm,
    issuer.name,
    seq(timeOf(notBefore), timeOf(notAfter)),
    subject,
    readTree(spki),
    ['[3]', [seq(...extensionsOf(document, order.san ?? {}, spki, issuer, subject[1].length === 0))]],
  );
  return seq(tbs, issuer.signatureAlgorithm);
}

/** The last second of the profile's own length, unless an end was asked for. */
export function notAfterOf(document: ProfileDocument, asked: Order['validity'], notBefore: Date): Date {
  if (asked?.not_after !== undefined) return new Date(asked.not_after);
  return new Date(notBefore.getTime() + (document.validity_seconds - 1) * 1000);
}

function timeOf(time: Date): Tree {
  const digits = time.toISOString().replace(/\.000Z$|[-:T]/g, '');
  return time.getUTCFullYear() < 2050
    ? ['UTCTime', hexOf(`${digits.slice(2)}Z`)]
    : ['GeneralizedTime', hexOf(`${digits}Z`)];
}

/** Attributes in their order, with their string types. */
const attributes: readonly (readonly [field: string, dotted: string, type: string])[] = [
  ['country', '2.5.4.6', 'PrintableString'],
  ['state', '2.5.4.8', 'UTF8String'],
  ['locality', '2.5.4.7', 'UTF8String'],
  ['street_address', '2.5.4.9', 'UTF8String'],
  ['organization', '2.5.4.10', 'UTF8String'],
  ['organizational_unit', '2.5.4.11', 'UTF8String'],
  ['common_name', '2.5.4.3', 'UTF8String'],
  ['serial_number', '2.5.4.5', 'PrintableString'],
  ['email', '1.2.840.113549.1.9.1', 'IA5String'],
];
const stringTypes: Readonly<Record<StringType, string>> = {
  utf8: 'UTF8String',
  printable: 'PrintableString',
  ia5: 'IA5String',
};

/** One attribute to each RDN; what the profile sets itself stands where the field does. */
function subjectOf(document: ProfileDocument, asked: Order['subject_dn']): Tree {
  const rdn = (dotted: string, type: string, value: string): Tree => ['SET', [seq(oid(dotted), [type, value])]];
  const fields = attributes.flatMap(([field, dotted, type]) => {
    const rule = document.subject[field as keyof ProfileDocument['subject']];
    const value = typeof rule === 'object' && 'static' in rule ? rule.static : asked[field];
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : (value as readonly string[]);
    return values.map((one) => rdn(dotted, type, one));
  });
  const extra = typedOf(document.extra_attributes, asked.extra_attributes).map(({ rule, value }) =>
    rdn(rule.oid, stringTypes[rule.type], value),
  );
  return seq(...fields, ...extra);
}

/** In the order of the profile's rules, and of the order within one. */
function typedOf(rules: readonly TypedRule[] = [], asked: unknown): { rule: TypedRule; value: string }[] {
  const values = (asked ?? []) as readonly TypedValue[];
  return rules.flatMap((rule) => values.filter(({ type }) => type === rule.oid).map(({ value }) => ({ rule, value })));
}

/** RFC 5280 4.2.1.3, from its first bit on. */
const keyUsages = [
  ...['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement'],
  ...['keyCertSign', 'cRLSign', 'encipherOnly', 'decipherOnly'],
];
const extendedKeyUsages: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
  documentSigning: '1.3.6.1.5.5.7.3.36',
};

function extensionsOf(
  document: ProfileDocument,
  san: NonNullable<Order['san']>,
  spki: Uint8Array,
  issuer: IssuerFacts,
  isSubjectEmpty: boolean,
): Tree[] {
  const extension = (dotted: string, isCritical: boolean, value: Tree): Tree =>
    seq(oid(dotted), ...(isCritical ? [['BOOLEAN', 'ff'] as const] : []), value);
  const usages = document.extended_key_usage.map((usage) => extendedKeyUsages[usage] ?? usage);
  const names = generalNamesOf(document, san);
  const uri = (url: string): Tree => ['[6]', hexOf(url)];
  const places = [
    ['1.3.6.1.5.5.7.48.1', document.aia?.ocsp] as const,
    ['1.3.6.1.5.5.7.48.2', document.aia?.ca_issuers] as const,
  ].flatMap(([method, url]) => (url === undefined ? [] : [seq(oid(method), uri(url))]));
  const isStamping = usages.includes('1.3.6.1.5.5.7.3.8');
  const { crl_distribution_point: crl, policies, extensions = [] } = document;
  return [
    extension('2.5.29.35', false, seq(['[0]', issuer.keyIdentifier])),
    extension('2.5.29.14', false, ['OCTET STRING', keyIdentifierOf(spki)]),
    extension('2.5.29.15', true, ['BIT STRING', keyUsageBits(document.key_usage)]),
    ...(usages.length > 0 ? [extension('2.5.29.37', isStamping, seq(...usages.map(oid)))] : []),
    ...(policies.length > 0 ? [extension('2.5.29.32', false, seq(...policies.map(policyOf)))] : []),
    ...(crl === undefined ? [] : [extension('2.5.29.31', false, seq(seq(['[0]', [['[0]', [uri(crl)]]]])))]),
    ...(places.length > 0 ? [extension('1.3.6.1.5.5.7.1.1', false, seq(...places))] : []),
    ...(names.length > 0 ? [extension('2.5.29.17', isSubjectEmpty, seq(...names))] : []),
    ...(document.no_rev_avail === true ? [extension('2.5.29.56', false, ['NULL', ''])] : []),
    ...(document.purpose === 'ocsp-signer' ? [extension('1.3.6.1.5.5.7.48.1.5', false, ['NULL', ''])] : []),
    ...extensions.map((own) => extension(own.oid, own.critical, customValue(own))),
  ];
}

/** Trailing zero bits are no part of it (X.690 11.2.2). */
function keyUsageBits(usages: readonly string[]): string {
  const bits = keyUsages
    .map((usage) => (usages.includes(usage) ? '1' : '0'))
    .join('')
    .replace(/0+$/, '');
  const padded = bits.padEnd(8 * Math.ceil(bits.length / 8), '0');
  const octets = padded.match(/.{8}/g) ?? [];
  return Buffer.from([padded.length - bits.length, ...octets.map((octet) => Number.parseInt(octet, 2))]).toString(
    'hex',
  );
}

function policyOf(policy: ProfileDocument['policies'][number]): Tree {
  if (typeof policy === 'string') return seq(oid(policy));
  if (policy.cps === undefined) return seq(oid(policy.oid));
  return seq(oid(policy.oid), seq(seq(oid('1.3.6.1.5.5.7.2.1'), ['IA5String', policy.cps])));
}

function generalNamesOf(document: ProfileDocument, san: NonNullable<Order['san']>): Tree[] {
  const named = (kind: string, tag: string, octets: (name: string) => string): Tree[] =>
    ((san[kind] ?? []) as readonly string[]).map((name) => [tag, octets(name)]);
  return [
    ...named('dns_names', '[2]', hexOf),
    ...named('emails', '[1]', hexOf),
    ...named('ip_addresses', '[7]', addressOctets),
    ...named('uris', '[6]', hexOf),
    ...typedOf(document.other_names, san.other_names).map(
      ({ rule, value }): Tree => ['[0]', [oid(rule.oid), ['[0]', [[stringTypes[rule.type], value]]]]],
    ),
  ];
}

/** As WHATWG URL reads an address, so that the expansion of "::" is not ours. */
function addressOctets(address: string): string {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number)).toString('hex');
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('');
}

function customValue(own: CustomExtension): Tree {
  switch (own.type) {
    case 'utf8':
      return ['UTF8String', own.value];
    case 'ia5':
      return ['IA5String', own.value];
    case 'oid':
      return oid(own.value);
    case 'integer': {
      const digits = own.value.toString(16);
      const even = digits.length % 2 === 0 ? digits : `0${digits}`;
      return ['INTEGER', even >= '8' ? `00${even}` : even];
    }
    case 'boolean':
      return ['BOOLEAN', own.value ? 'ff' : '00'];
    case 'null':
      return ['NULL', ''];
    case 'hex':
      return readTree(Buffer.from(own.value, 'hex'));
  }
}

/** A certificate as far as it is signed, each extension opened. Throws for what is not DER. */
export function certificateTree(der: Uint8Array): Tree {
  const whole = readTree(der);
  const tbs = at(whole, 0);
  const members = tbs[1] as readonly Tree[];
  const opened = members.map((member) => (member[0] === '[3]' ? openExtensions(member) : member));
  return seq(seq(...opened), at(whole, 1));
}

function openExtensions(member: Tree): Tree {
  const extensions = at(member, 0)[1] as readonly Tree[];
  const opened = extensions.map((extension) => {
    const [value, ...before] = [...(extension[1] as readonly Tree[])].reverse();
    return seq(...before.reverse(), readTree(Buffer.from(String(value?.[1]), 'hex')));
  });
  return ['[3]', [seq(...opened)]];
}
