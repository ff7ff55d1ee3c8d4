import {
  ecKey,
  ecOid,
  ed25519Key,
  type Key,
  keyUsage,
  type LintCase,
  point,
  rsaKey,
  rsaOid,
} from './base.test-support.js';
import * as d from './der-writing.test-support.js';

/** A key of other octets than its form says, whose identifier still fits. */
function formed(spki: Uint8Array, bits: Uint8Array): Key {
  return { spki, bits };
}

const twoPoint = Buffer.concat([Buffer.of(2), point.subarray(1, 33)]);
const offCurve = Buffer.from(point);
offCurve[64] = 0xf6;
const beyondPrime = Buffer.concat([Buffer.of(4), Buffer.alloc(32, 0xff), point.subarray(33)]);

const keys: readonly (readonly [rule: string, key: Key, what?: string])[] = [
  ['key-syntax', formed(d.seq(d.nothing), Buffer.alloc(0))],
  ['key-known', formed(d.seq(d.seq(d.oid('2a864886f70d010102')), d.bits(0, point)), point)],
  ['key-whole-octets', formed(d.seq(d.seq(d.oid('2b6570')), d.bits(1, Buffer.alloc(32))), Buffer.alloc(32))],
  ['key-rsa-null', rsaKey(undefined, undefined, null), 'absent'],
  ['key-rsa-null', rsaKey(undefined, undefined, d.seq()), 'a SEQUENCE'],
  ['key-rsa-syntax', formed(d.seq(d.seq(rsaOid, d.nothing), d.bits(0, point)), point), 'no SEQUENCE'],
  ['key-rsa-syntax', rsaKey(undefined, '00010001'), 'padded exponent'],
  ['key-rsa-syntax', rsaKey(undefined, 'ff'), 'negative exponent'],
  ['key-rsa-modulus-size', rsaKey('b5'.repeat(128)), '1024 bits'],
  ['key-rsa-modulus-size', rsaKey('b5'.repeat(513)), '4104 bits'],
  ['key-rsa-modulus-odd', rsaKey(`${'b5'.repeat(255)}b4`)],
  ['key-rsa-exponent', rsaKey(undefined, '010000'), 'even'],
  ['key-rsa-exponent', rsaKey(undefined, '03'), 'small'],
  ['key-rsa-exponent', rsaKey(undefined, `01${'01'.repeat(32)}`), 'large'],
  ['key-ec-named-curve', ecKey(point, d.seq(d.int('01'))), 'explicit'],
  ['key-ec-named-curve', ecKey(point, d.nothing), 'implicit'],
  ['key-ec-named-curve', formed(d.seq(d.seq(ecOid), d.bits(0, point)), point), 'absent'],
  ['key-ec-curve', ecKey(point, d.oid('2b8104000a')), 'secp256k1'],
  ['key-ec-uncompressed', ecKey(twoPoint), 'compressed'],
  ['key-ec-uncompressed', ecKey(Buffer.concat([point, Buffer.of(0)])), 'an octet too many'],
  ['key-ec-uncompressed', ecKey(Buffer.of(0)), 'infinity'],
  ['key-ec-on-curve', ecKey(offCurve)],
  ['key-ec-on-curve', ecKey(beyondPrime), 'beyond the prime'],
  ['key-ed25519-no-parameters', ed25519Key(32, d.nothing)],
  ['key-ed25519-length', ed25519Key(33)],
];

const pss = (hash: string, salt: string) =>
  d.hex(
    `3034a00f300d06096086480165030402${hash}0500a11c301a06092a864886f70d010108300d06096086480165030402${hash}0500a2030201${salt}`,
  );
const byRsa = { context: { issuer: issuerOf(rsaKey()) } };
function issuerOf(key: Key, ski: Uint8Array = new Uint8Array(20).fill(0xca)) {
  return { subjectDer: caDer(), ski, spki: key.spki };
}
function caDer(): Uint8Array {
  const { country, organization, commonName } = d.types;
  return d.name(
    d.rdn(country, d.printable('CH')),
    d.rdn(organization, d.utf8('Example')),
    d.rdn(commonName, d.utf8('Example CA')),
  );
}
const algorithm = (...parts: readonly Uint8Array[]) => ({ change: () => ({ signature: d.seq(...parts) }) });

/** Algorithms that are right: with the key of the CA that makes them. */
export const signatureAlgorithms: readonly (readonly [what: string, signature: Uint8Array, ca: Key])[] = [
  ['sha256WithRSAEncryption', d.seq(d.oid('2a864886f70d01010b'), d.nothing), rsaKey()],
  ['PSS with SHA-256', d.seq(d.oid('2a864886f70d01010a'), pss('01', '20')), rsaKey()],
  ['PSS with SHA-384', d.seq(d.oid('2a864886f70d01010a'), pss('02', '30')), rsaKey()],
  ['PSS with SHA-512', d.seq(d.oid('2a864886f70d01010a'), pss('03', '40')), rsaKey()],
  ['ecdsa-with-SHA384', d.seq(d.oid('2a8648ce3d040303')), ecKey(new Uint8Array(97), d.oid('2b81040022'))],
  ['Ed25519', d.seq(d.oid('2b6570')), ed25519Key()],
];
/** The context of a certificate signed by that CA key. */
export const signedBy = (ca: Key) => ({ issuer: issuerOf(ca) });

const usageOf = (rule: string, unused: number, content: string, more: Partial<LintCase> = {}): LintCase => ({
  rule,
  change: () => ({ extensions: { keyUsage: keyUsage(unused, content), extendedKeyUsage: undefined } }),
  ...more,
});

export const keyCases: readonly LintCase[] = [
  ...keys.map(
    ([rule, key, what]): LintCase => ({
      rule,
      key,
      ...(what === undefined ? {} : { what }),
      pointer: 'subjectPublicKeyInfo',
    }),
  ),
  { rule: 'key-is-the-one-asked-for', context: { subjectSpki: rsaKey().spki } },
  { rule: 'signature-syntax', ...algorithm(d.nothing) },
  { rule: 'signature-known', ...algorithm(d.oid('2a8648ce3d040301')) },
  { rule: 'signature-hash-strong', what: 'RSA', ...algorithm(d.oid('2a864886f70d010105'), d.nothing), ...byRsa },
  { rule: 'signature-hash-strong', what: 'ECDSA', ...algorithm(d.oid('2a8648ce3d0401')) },
  { rule: 'signature-rsa-null', ...algorithm(d.oid('2a864886f70d01010b')), ...byRsa },
  { rule: 'signature-rsa-pss-parameters', ...algorithm(d.oid('2a864886f70d01010a'), pss('01', '14')), ...byRsa },
  { rule: 'signature-rsa-pss-parameters', what: 'absent', ...algorithm(d.oid('2a864886f70d01010a')), ...byRsa },
  { rule: 'signature-ecdsa-no-parameters', ...algorithm(d.oid('2a8648ce3d040302'), d.nothing) },
  {
    rule: 'signature-ed25519-no-parameters',
    ...algorithm(d.oid('2b6570'), d.nothing),
    context: { issuer: issuerOf(ed25519Key()) },
  },
  { rule: 'signature-fits-issuer-key', ...byRsa },
  { rule: 'signature-hash-fits-curve', ...algorithm(d.oid('2a8648ce3d040303')) },
  usageOf('key-usage-of-rsa', 3, '08', { key: rsaKey() }),
  usageOf('key-usage-of-ec', 5, '20'),
  usageOf('key-usage-of-ec', 4, '10', { what: 'dataEncipherment' }),
  usageOf('key-usage-of-ed25519', 3, '88', { key: ed25519Key() }),
];
