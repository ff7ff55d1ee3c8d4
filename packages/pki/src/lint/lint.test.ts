import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasOpenssl, openssl } from '../openssl.test-support.js';
import { bases, buildCase, contextOf, ecKey, rsaKey, tbsOf } from './cases/base.test-support.js';
import * as d from './cases/der-writing.test-support.js';
import { signedBy } from './cases/key-cases.test-support.js';
import { certificateOf, signedCases } from './cases/signed-cases.test-support.js';
import { lintCertificate, lintFixed, lintTbs, lintVariable } from './lint.js';
import { lintRules } from './lint-rules.js';
import { everyKind, type LintContext, type LintFinding } from './types.js';

const rulesOf = (findings: readonly LintFinding[]) => findings.map(({ rule }) => rule);
const { tbs, context } = buildCase({ rule: 'none' });

describe('lintCertificate', () => {
  it('finds nothing in a right one', () => {
    expect(lintCertificate(certificateOf(tbs), context)).toEqual([]);
  });

  it.each(signedCases.map((one) => [one.rule, one.what, one] as const))('finds %s: %s', (rule, _what, one) => {
    const findings = lintCertificate(certificateOf(tbs, one), context);
    // What is not minimal within a signature is that rule's: the reader does not look into a BIT STRING.
    expect(rulesOf(findings)).toEqual([rule]);
  });

  it('finds inside what lintTbs finds, with the same pointers', () => {
    const broken = buildCase({ rule: 'x', change: () => ({ serial: d.int('0050a1b2c3d4e5f60718293a') }) });
    const expected = lintTbs(broken.tbs, broken.context);
    expect(expected).toHaveLength(1);
    expect(lintCertificate(certificateOf(broken.tbs), broken.context)).toEqual(expected);
  });

  it('wants a signature as long as the key of the CA makes it', () => {
    const algorithm = d.seq(d.oid('2a864886f70d01010b'), d.nothing);
    const byRsa = buildCase({ rule: 'none', change: () => ({ signature: algorithm }), context: signedBy(rsaKey()) });
    const lintOf = (octets: number, known: LintContext) =>
      rulesOf(
        lintCertificate(certificateOf(byRsa.tbs, { algorithm, value: d.bits(0, Buffer.alloc(octets, 7)) }), known),
      );
    expect(lintOf(256, byRsa.context)).toEqual([]);
    expect(lintOf(384, byRsa.context)).toEqual(['signature-value-form']);
    expect(lintOf(384, { kind: 'subscriber' })).toEqual([]);
    expect(lintOf(128, { kind: 'subscriber' })).toEqual(['signature-value-form']);
    const ed25519 = d.seq(d.oid('2b6570'));
    const byEd = buildCase({ rule: 'none', change: () => ({ signature: ed25519 }) });
    const edOf = (octets: number) =>
      rulesOf(
        lintCertificate(certificateOf(byEd.tbs, { algorithm: ed25519, value: d.bits(0, Buffer.alloc(octets, 7)) }), {
          kind: 'subscriber',
        }),
      );
    expect(edOf(64)).toEqual([]);
    expect(edOf(63)).toEqual(['signature-value-form']);
  });
});

describe('findings', () => {
  it('tell rule, source, severity, place and what is wrong', () => {
    const { tbs: bad, context: known } = buildCase({
      rule: 'x',
      change: () => ({
        extensions: { subjectAltName: d.extension(d.ids.subjectAltName, d.seq(d.text(0x82, 'a_b.test'))) },
      }),
    });
    expect(lintTbs(bad, known)).toEqual([
      {
        rule: 'san-dns-no-underscore',
        source: 'BR 7.1.2.7.12',
        severity: 'error',
        pointer: 'extensions.subjectAltName.0',
        detail: 'must not hold an underscore',
      },
    ]);
  });

  it('are one hundred at most', () => {
    const names = Array.from({ length: 500 }, () => d.text(0x82, '_'));
    const { tbs: bad, context: known } = buildCase({
      rule: 'x',
      change: () => ({ extensions: { subjectAltName: d.extension(d.ids.subjectAltName, d.seq(...names)) } }),
    });
    expect(lintTbs(bad, known)).toHaveLength(100);
  });
});

describe('points are checked on every curve', () => {
  it.each(['P-256', 'P-384', 'P-521'])('%s', (namedCurve) => {
    for (let round = 0; round < 3; round += 1) {
      const { publicKey }: { publicKey: KeyObject } = generateKeyPairSync('ec', { namedCurve });
      const spki = publicKey.export({ type: 'spki', format: 'der' });
      const lintOf = (bytes: Uint8Array) => {
        const base = bases.subscriber({ spki: bytes, bits: Buffer.alloc(1) });
        return rulesOf(lintTbs(tbsOf(base), { kind: 'subscriber' })).filter((rule) => rule.startsWith('key-'));
      };
      expect(lintOf(spki)).toEqual([]);
      const wrong = Buffer.from(spki);
      wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
      expect(lintOf(wrong)).toEqual(['key-ec-on-curve']);
    }
  });
});

describe('octets that nobody meant', () => {
  const keys = [ecKey(), rsaKey()];
  const originals = everyKind.flatMap((kind) =>
    keys.map((key) => {
      const parts = bases[kind](key);
      return { tbs: tbsOf(parts), context: contextOf(kind, parts) };
    }),
  );
  const known = new Set(lintRules.map(({ name }) => name));
  const expectSound = (bytes: Uint8Array, given: LintContext) => {
    for (const lint of [lintTbs, lintVariable, lintFixed, lintCertificate]) {
      for (const { rule, detail } of lint(bytes, given)) {
        if (!known.has(rule) || detail === '') throw new Error(`a finding that no rule makes: ${rule}`);
      }
    }
  };

  it('never make it throw: changed, left out, put in', () => {
    const edits = fc.array(
      fc.record({ at: fc.nat(3000), kind: fc.constantFrom('set', 'flip', 'cut', 'insert'), octet: fc.nat(255) }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...originals), edits, fc.boolean(), (original, list, signed) => {
        let bytes = Buffer.from(signed ? certificateOf(original.tbs) : original.tbs);
        for (const { at, kind, octet } of list) {
          const place = at % Math.max(1, bytes.length);
          if (kind === 'set') bytes[place] = octet;
          else if (kind === 'flip') bytes[place] = (bytes[place] ?? 0) ^ (1 << (octet & 7));
          else if (kind === 'cut') bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)]);
          else bytes = Buffer.concat([bytes.subarray(0, place), Buffer.of(octet), bytes.subarray(place)]);
        }
        expectSound(bytes, original.context);
      }),
      { numRuns: 2000 },
    );
  });

  it('never make it throw: cut off anywhere, and at random', () => {
    const { tbs: whole, context: given } = originals[0] ?? { tbs, context };
    for (let length = 0; length < whole.length; length += 1) {
      const found = lintTbs(whole.subarray(0, length), given);
      expect(found.map(({ rule }) => rule)).toEqual(['der-structure']);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => expectSound(bytes, context)),
      { numRuns: 500 },
    );
  });

  it('never make it slow: deep, wide, and long ones end', () => {
    let deep: Uint8Array = d.nothing;
    for (let depth = 0; depth < 10_000; depth += 1) deep = depth < 60 ? d.seq(deep) : deep;
    const wide = d.seq(...Array.from({ length: 30_000 }, () => d.nothing));
    const names = Array.from({ length: 2500 }, () => d.text(0x82, `${'a.'.repeat(8)}test`));
    const many = buildCase({
      rule: 'x',
      change: () => ({ extensions: { subjectAltName: d.extension(d.ids.subjectAltName, d.seq(...names)) } }),
    });
    const rdns = Array.from({ length: 3000 }, (_, index) => d.rdn(d.types.unit, d.utf8(String(index))));
    const name = buildCase({ rule: 'x', change: () => ({ subject: d.name(...rdns) }) });
    const started = performance.now();
    for (const bytes of [deep, wide, many.tbs, name.tbs]) expectSound(bytes, context);
    // Some tens of milliseconds; what grew with the square of the size would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe.skipIf(!hasOpenssl)('certificates that OpenSSL made', () => {
  const config = `[req]
distinguished_name=dn
prompt=no
[dn]
C=CH
O=Example
CN=Example
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[ca]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid:always
certificatePolicies=1.2.3.4,@policy
nameConstraints=critical,permitted;DNS:example.test,excluded;IP:192.0.2.0/255.255.255.0
policyConstraints=critical,requireExplicitPolicy:0
inhibitAnyPolicy=critical,0
crlDistributionPoints=URI:http://crl.example.test/1.crl
[policy]
policyIdentifier=1.2.3.5
CPS.1=http://ca.example.test/cps
userNotice.1=@notice
[notice]
explicitText=UTF8:What this is good for
[tls]
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid:always
authorityInfoAccess=OCSP;URI:http://ocsp.example.test/,caIssuers;URI:http://ca.example.test/ca.cer
subjectAltName=DNS:a.example.test,DNS:*.example.test,IP:192.0.2.1,IP:2001:db8::1,email:a@example.test,URI:https://a.test/,otherName:1.2.3.4;UTF8:x,RID:1.2.3,dirName:dn
[ocsp]
keyUsage=critical,digitalSignature
extendedKeyUsage=OCSPSigning
noCheck=ignored
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid:always
`;
  const make = (section: string, kind: LintContext['kind'], newKey: readonly string[]) => {
    const [algorithm = '', ...options] = newKey;
    const key = openssl(['genpkey', '-algorithm', algorithm, ...options], {});
    const command = [
      'req',
      '-x509',
      '-new',
      '-config',
      '{config}',
      '-extensions',
      section,
      '-days',
      '30',
      '-key',
      '{key}',
    ];
    const pem = openssl(command, { config, key });
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    return { found: lintCertificate(der, { kind }), der };
  };
  const ec = ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const rsa = ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];

  it.each([
    ['root', 'root', ec],
    ['root', 'root', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['root', 'root', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521']],
    ['root', 'root', ['ED25519']],
    ['ca', 'subordinate-ca', rsa],
    ['ca', 'subordinate-ca', ec],
    ['tls', 'subscriber', rsa],
    ['ocsp', 'ocsp-signer', ec],
    ['ocsp', 'ocsp-signer', ['ED25519']],
  ] as const)('have no finding: %s as %s with %j', (section, kind, newKey) => {
    expect(make(section, kind, newKey).found).toEqual([]);
  });

  it('have one where they are wrong', () => {
    expect(rulesOf(make('tls', 'subscriber', ec).found)).toEqual(['key-usage-of-ec']);
    expect(rulesOf(make('tls', 'subscriber', ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024']).found)).toEqual([
      'signature-value-form',
      'key-rsa-modulus-size',
    ]);
    expect(rulesOf(make('root', 'subscriber', ec).found).sort()).toEqual([
      'authority-key-id-present',
      'basic-constraints-no-ca',
      'key-usage-crl-sign-ca',
    ]);
  });
});
