import { hash } from 'node:crypto';
import type { LintContext, LintKind } from '../types.js';
import * as d from './der-writing.test-support.js';

/** A subject's key, with the octets that its identifier is made from. */
export interface Key {
  readonly spki: Uint8Array;
  readonly bits: Uint8Array;
}

function key(algorithm: Uint8Array, keyBits: Uint8Array): Key {
  return { spki: d.seq(algorithm, d.bits(0, keyBits)), bits: keyBits };
}

/** The generator of P-256 (SEC 2): on the curve, and nobody's key. */
export const point = d.hex(
  '04 6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
);
export const ecOid = d.oid('2a8648ce3d0201');
export const p256Oid = d.oid('2a8648ce3d030107');
export const rsaOid = d.oid('2a864886f70d010101');

export const ecKey = (bits: Uint8Array = point, parameters: Uint8Array = p256Oid): Key =>
  key(d.seq(ecOid, parameters), bits);

/** An RSA key by its form only. */
export function rsaKey(
  modulus = 'b5'.repeat(256),
  exponent = '010001',
  parameters: Uint8Array | null = d.nothing,
): Key {
  const numbers = d.seq(d.int(`00${modulus}`), d.int(exponent));
  return key(d.seq(rsaOid, ...(parameters === null ? [] : [parameters])), numbers);
}
export const ed25519Key = (octets = 32, ...parameters: Uint8Array[]): Key =>
  key(d.seq(d.oid('2b6570'), ...parameters), new Uint8Array(octets).fill(7));

export const keyIdOf = ({ bits }: Key): Uint8Array => hash('sha256', bits, 'buffer').subarray(0, 20);

export const ecdsaSha256 = d.seq(d.oid('2a8648ce3d040302'));
export const caName = d.name(
  d.rdn(d.types.country, d.printable('CH')),
  d.rdn(d.types.organization, d.utf8('Example')),
  d.rdn(d.types.commonName, d.utf8('Example CA')),
);
export const caKeyId = new Uint8Array(20).fill(0xca);

/** What a certificate is put together from. `null` leaves a member out. */
export interface Parts {
  readonly version: Uint8Array | null;
  readonly serial: Uint8Array;
  readonly signature: Uint8Array;
  readonly issuer: Uint8Array;
  readonly notBefore: Uint8Array;
  readonly notAfter: Uint8Array;
  readonly subject: Uint8Array;
  readonly key: Key;
  readonly uniqueIds: readonly Uint8Array[];
  /** Whole Extensions by name, in order; names that `ids` does not know are for one case only. */
  readonly extensions: Readonly<Record<string, Uint8Array | undefined>>;
}

const ext = (id: keyof typeof d.ids, value: Uint8Array, critical = false) => d.extension(d.ids[id], value, critical);
export const keyUsage = (unused: number, content: string): Uint8Array =>
  ext('keyUsage', d.bits(unused, d.hex(content)), true);
export const purposes = (...list: readonly string[]): Uint8Array =>
  ext('extendedKeyUsage', d.seq(...list.map((purpose) => d.oid(purpose))));
export const clientAuth = '2b06010505070302';
export const ocspSigning = '2b06010505070309';
export const uri = (value: string): Uint8Array => d.text(0x86, value);
export const dns = (value: string): Uint8Array => d.text(0x82, value);
export const san = (...names: readonly Uint8Array[]): Uint8Array => ext('subjectAltName', d.seq(...names));
const point0 = (url: string) => d.seq(d.der(0xa0, d.der(0xa0, uri(url))));
const access = (method: string, url: string) => d.seq(d.oid(`2b060105050730${method}`), uri(url));
const policies = (...list: readonly string[]) =>
  ext('certificatePolicies', d.seq(...list.map((id) => d.seq(d.oid(id)))));

const identifiers = (of: Key) => ({
  authorityKeyIdentifier: ext('authorityKeyIdentifier', d.seq(d.der(0x80, caKeyId))),
  subjectKeyIdentifier: ext('subjectKeyIdentifier', d.octets(keyIdOf(of))),
});
const common = {
  version: d.der(0xa0, d.int('02')),
  serial: d.int('4050a1b2c3d4e5f60718293a4b5c6d7e'),
  signature: ecdsaSha256,
  issuer: caName,
  notBefore: d.utcTime('261121080910Z'),
  notAfter: d.utcTime('271121080909Z'),
  subject: d.name(d.rdn(d.types.country, d.printable('DE')), d.rdn(d.types.commonName, d.utf8('Gerät 7'))),
  uniqueIds: [],
} as const;

const caExtensions = {
  keyUsage: keyUsage(1, '06'),
  basicConstraints: ext('basicConstraints', d.seq(d.yes, d.int('00')), true),
  certificatePolicies: policies('551d2000'),
  crlDistributionPoints: ext('crlDistributionPoints', d.seq(point0('http://crl.example.test/root.crl'))),
};

/** Right certificates, one of each kind; `of` is the key. */
export const bases: Readonly<Record<LintKind, (of: Key) => Parts>> = {
  subscriber: (of) => ({
    ...common,
    key: of,
    extensions: {
      ...identifiers(of),
      keyUsage: keyUsage(7, '80'),
      extendedKeyUsage: purposes(clientAuth),
      certificatePolicies: policies('2b0601040186 8d1f01'),
      crlDistributionPoints: ext('crlDistributionPoints', d.seq(point0('http://crl.example.test/1.crl'))),
      authorityInfoAccess: ext(
        'authorityInfoAccess',
        d.seq(access('01', 'http://ocsp.example.test/'), access('02', 'http://ca.example.test/ca.cer')),
      ),
      subjectAltName: san(
        dns('a.example.test'),
        dns('*.b.example.test'),
        dns('xn--bcher-kva.example.test'),
        d.text(0x81, 'a.b+c@example.test'),
        d.der(0x87, d.hex('c0000201')),
        d.der(0x87, d.hex('20010db8000000000000000000000001')),
        uri('https://user@a.example.test:8443/path?query=%20#x'),
        uri('urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'),
        d.der(0xa4, caName),
        d.der(0xa0, d.oid('2b060104018237140203'), d.der(0xa0, d.utf8('a@b.test'))),
        d.der(0x88, d.hex('2b0601')),
      ),
    },
  }),
  'ocsp-signer': (of) => ({
    ...common,
    key: of,
    extensions: {
      ...identifiers(of),
      keyUsage: keyUsage(7, '80'),
      extendedKeyUsage: purposes(ocspSigning),
      ocspNoCheck: ext('ocspNoCheck', d.nothing),
    },
  }),
  'subordinate-ca': (of) => ({
    ...common,
    key: of,
    extensions: { ...identifiers(of), ...caExtensions },
  }),
  root: (of) => ({
    ...common,
    key: of,
    subject: caName,
    extensions: {
      subjectKeyIdentifier: ext('subjectKeyIdentifier', d.octets(keyIdOf(of))),
      keyUsage: keyUsage(1, '06'),
      basicConstraints: ext('basicConstraints', d.seq(d.yes), true),
    },
  }),
};

export function tbsOf(parts: Parts): Uint8Array {
  const extensions = Object.values(parts.extensions).filter((one) => one !== undefined);
  return d.seq(
    ...(parts.version === null ? [] : [parts.version]),
    parts.serial,
    parts.signature,
    parts.issuer,
    d.seq(parts.notBefore, parts.notAfter),
    parts.subject,
    parts.key.spki,
    ...parts.uniqueIds,
    ...(extensions.length === 0 ? [] : [d.der(0xa3, d.seq(...extensions))]),
  );
}

/** What is known of the certificate from elsewhere: a CA of that name, alive for long, and the key that was asked for. */
export function contextOf(kind: LintKind, parts: Parts): LintContext {
  return {
    kind,
    issuer: {
      subjectDer: parts.issuer,
      ski: kind === 'root' ? keyIdOf(parts.key) : caKeyId,
      spki: ecKey().spki,
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('2060-01-01T00:00:00Z'),
    },
    subjectSpki: parts.key.spki,
    validitySecondsMax: 100 * 366 * 86_400,
    signingTime: new Date('2026-11-21T08:10:00Z'),
  };
}

/** One certificate that breaks one rule. */
export interface LintCase {
  readonly rule: string;
  /** What is wrong, when the rule's name does not say it. */
  readonly what?: string;
  readonly kind?: LintKind;
  readonly key?: Key;
  /** Changes the parts; extensions are merged by name. */
  readonly change?: (parts: Parts) => Partial<Parts>;
  /** Changes the octets after that. */
  readonly octets?: (tbs: Uint8Array) => Uint8Array;
  readonly context?: Partial<LintContext>;
  readonly pointer?: string;
  /** Rules that this certificate cannot but break as well. */
  readonly besides?: readonly string[];
}

/** The octets and the context of a case. */
export function buildCase(one: LintCase): { tbs: Uint8Array; context: LintContext } {
  const kind = one.kind ?? 'subscriber';
  const base = bases[kind](one.key ?? ecKey());
  const change = one.change?.(base) ?? {};
  const parts: Parts = { ...base, ...change, extensions: { ...base.extensions, ...change.extensions } };
  const tbs = tbsOf(parts);
  return { tbs: one.octets?.(tbs) ?? tbs, context: { ...contextOf(kind, parts), ...one.context } };
}

/** A change of extensions alone. */
export const extensions = (changed: Parts['extensions']) => (): Partial<Parts> => ({ extensions: changed });
/** An extension under another critical flag or with another value. */
export const extensionOf = ext;
