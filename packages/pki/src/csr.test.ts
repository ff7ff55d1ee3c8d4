import { constants, createPublicKey, randomBytes, sign } from 'node:crypto';
import * as fc from 'fast-check';
import * as pkijs from 'pkijs';
import { describe, expect, it } from 'vitest';
import { toPem } from './certificate.js';
import { checkPublicKey, publicKeyHash } from './check-public-key.js';
import { csrBytesMax, parseCsr, verifyCsr } from './csr.js';
import { csrAlgorithms, der, extensionRequest, makeCsr, makeKey, rsaSpki, sanExtension } from './keys.test-support.js';
import { hasOpenssl, openssl } from './openssl.test-support.js';
import { bufferOf } from './sample-certificate.js';
import { refusal, rejection } from './sluice-error.test-support.js';
import { encodeSubject } from './subject.js';

const ec = makeKey({ curve: 'P-256' });
const rsa = makeKey({ rsa: 2048 });
const p384 = makeKey({ curve: 'P-384' });
const p521 = makeKey({ curve: 'P-521' });
const ed = makeKey({ curve: 'Ed25519' });
const weakRsa = makeKey({ rsa: 1024 });
const modulusOf = (spki: Uint8Array): bigint => {
  const jwk = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({ format: 'jwk' });
  return BigInt(`0x${Buffer.from(jwk.n ?? '', 'base64url').toString('hex')}`);
};
const modulus = modulusOf(rsa.spki);
const rsaModulus = Buffer.from(`00${modulus.toString(16)}`, 'hex');
const smallPrimes = Array.from({ length: 750 }, (_, index) => BigInt(index + 2)).filter((value) => {
  for (let divisor = 2n; divisor * divisor <= value; divisor += 1n) if (value % divisor === 0n) return false;
  return true;
});

describe('what is taken', () => {
  it.each([
    ['P-256', ec, 'ec-p256'],
    ['RSA', rsa, 'rsa-2048'],
    ['P-384', p384, 'ec-p384'],
    ['P-521', p521, 'ec-p521'],
    ['Ed25519', ed, 'ed25519'],
  ] as const)('reads and proves a CSR, as DER, base64 and PEM: %s', async (_name, key, kind) => {
    const subject = encodeSubject({ common_name: 'Gerät', country: 'DE' });
    const csr = makeCsr(key, { subject });
    const base64 = Buffer.from(csr).toString('base64');
    const pem = toPem(csr, 'CERTIFICATE REQUEST');
    const forms = [csr, base64, pem, `\n${pem}\n`, pem.replaceAll('\n', '\r\n'), Buffer.from(pem), Buffer.from(base64)];
    for (const form of [...forms, toPem(csr, 'NEW CERTIFICATE REQUEST')]) {
      const parsed = parseCsr(form);
      expect(Buffer.from(parsed.der).equals(csr)).toBe(true);
      expect(Buffer.from(parsed.spki).equals(key.spki)).toBe(true);
      expect(Buffer.from(parsed.subjectDer).equals(subject)).toBe(true);
      expect(parsed.keyKind).toBe(kind);
      await verifyCsr(parsed);
    }
  });

  it.each(['sha384', 'sha512'] as const)('takes %s', async (digest) => {
    const octet = digest === 'sha384' ? 3 : 4;
    const forEc = Buffer.from(csrAlgorithms['ecdsa-sha256']);
    forEc[forEc.length - 1] = octet;
    const forRsa = Buffer.from(csrAlgorithms['rsa-sha256']);
    forRsa[forRsa.length - 3] = 0x09 + octet;
    const signWith = (key: typeof ec) => (bytes: Uint8Array) => sign(digest, bytes, key.privateKey);
    await verifyCsr(parseCsr(makeCsr(ec, { algorithm: forEc, sign: signWith(ec) })));
    await verifyCsr(parseCsr(makeCsr(rsa, { algorithm: forRsa, sign: signWith(rsa) })));
  });

  it.each([
    ['sha256', 32],
    ['sha384', 0],
    ['sha512', 190],
  ] as const)('takes PSS with %s and a salt of %i octets', async (digest, saltLength) => {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const signPss = (bytes: Uint8Array) => sign(digest, bytes, { key: rsa.privateKey, padding, saltLength });
    const csr = makeCsr(rsa, { algorithm: pss({ hash: digest, saltLength }), sign: signPss });
    await verifyCsr(parseCsr(csr));
    const pkcs1 = makeCsr(rsa, { algorithm: pss({ hash: digest, saltLength }) });
    await rejection(verifyCsr(parseCsr(pkcs1)), 'csr-invalid');
  });

  it.skipIf(!hasOpenssl)('reads PSS as OpenSSL makes it', async () => {
    const key = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const args = ['req', '-new', '-sha384', '-key', '{key}', '-subj', '/CN=x', '-sigopt', 'rsa_padding_mode:pss'];
    for (const salt of [[], ['-sigopt', 'rsa_pss_saltlen:digest']]) {
      const parsed = parseCsr(openssl([...args, ...salt], { key }));
      expect(parsed.proof.digest).toBe('sha384');
      await verifyCsr(parsed);
    }
  });

  it('does not care what names its extensionRequest asks for: only the key is taken', async () => {
    const ascii = (tag: number, text: string) => der(tag, Buffer.from(text));
    const san = sanExtension(ascii(0x82, 'Not_A.Name'), ascii(0x86, 'ldap:'), der(0x88, Uint8Array.of(42)));
    await verifyCsr(parseCsr(makeCsr(ec, { attributes: [extensionRequest(san, san)] })));
  });

  it('costs no more than its length, whatever it is', () => {
    for (const filler of [' ', '\n', 'A', '=', '-']) {
      const beganAt = process.cpuUsage();
      refusal(() => parseCsr(`-----BEGIN CERTIFICATE REQUEST-----${filler.repeat(csrBytesMax - 100)}`), 'csr-invalid');
      const { user } = process.cpuUsage(beganAt);
      // The square of its length took a second.
      expect(user).toBeLessThan(200_000);
    }
  });

  it.skipIf(!hasOpenssl)('reads what OpenSSL makes', async () => {
    const key = ec.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const args = ['req', '-new', '-key', '{key}', '-subj', '/C=DE/CN=x', '-addext', 'subjectAltName=DNS:a.test,IP:::1'];
    const parsed = parseCsr(openssl(args, { key }));
    await verifyCsr(parsed);
  });

  it('reads what PKI.js makes, whose RSA signatures have no NULL', async () => {
    const { subtle } = globalThis.crypto;
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const importAs = (format: 'pkcs8' | 'spki', bytes: Uint8Array, usage: 'sign' | 'verify') =>
      subtle.importKey(format, bufferOf(bytes), algorithm, true, [usage]);
    const request = new pkijs.CertificationRequest();
    request.attributes = [];
    await request.subjectPublicKeyInfo.importKey(await importAs('spki', rsa.spki, 'verify'));
    const pkcs8 = rsa.privateKey.export({ type: 'pkcs8', format: 'der' });
    await request.sign(await importAs('pkcs8', pkcs8, 'sign'), 'SHA-256');
    await verifyCsr(parseCsr(new Uint8Array(request.toSchema().toBER())));
  });
});

describe('what is refused, always as a SluiceError', () => {
  const good = makeCsr(ec);
  const cases: [string, 'csr-invalid' | 'key-weak', string | Uint8Array, RegExp][] = [
    ['nothing', 'csr-invalid', '', /neither PEM/],
    ['no bytes', 'csr-invalid', new Uint8Array(), /neither PEM/],
    ['garbage text', 'csr-invalid', 'not a CSR!', /neither PEM/],
    ['garbage bytes', 'csr-invalid', randomBytes(300).fill(0x30, 0, 1), /./],
    ['base64 that is cut off', 'csr-invalid', Buffer.from(good).toString('base64').slice(0, -3), /./],
    ['base64url', 'csr-invalid', Buffer.from(good).toString('base64').replace(/.$/, '_'), /neither PEM/],
    ['a certificate', 'csr-invalid', toPem(good, 'CERTIFICATE'), /neither PEM/],
    ['two PEM blocks', 'csr-invalid', toPem(good, 'CERTIFICATE REQUEST').repeat(2), /neither PEM/],
    ['more than 16 kB', 'csr-invalid', Buffer.concat([good, Buffer.alloc(csrBytesMax)]), /more than 16384/],
    ['more than 16 kB of text', 'csr-invalid', 'A'.repeat(csrBytesMax + 1), /more than 16384/],
    ['bytes after the end', 'csr-invalid', Buffer.concat([good, Buffer.of(0)]), /after its end/],
    ['bytes missing', 'csr-invalid', good.subarray(0, -1), /cut off/],
    ['an indefinite length', 'csr-invalid', Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(2)]), /indefinite/],
    ['a padded length', 'csr-invalid', paddedLength(good), /BER/],
    ['a padded length inside', 'csr-invalid', withSubject('30053181023000'), /BER/],
    ['an indefinite length inside', 'csr-invalid', withSubject('300431800000'), /indefinite/],
    ['a long tag', 'csr-invalid', withSubject('30033f8100'), /several octets/],
    ['a name that nests without end', 'csr-invalid', withSubject(nested(40)), /deeper/],
    ['a fourth member', 'csr-invalid', fourthMember(good), /three members/],
    ['a signature that ends within an octet', 'csr-invalid', unusedBits(good), /unused bits/],
    ['version 2', 'csr-invalid', makeCsr(ec, { version: Uint8Array.of(2, 1, 1) }), /version/],
    [
      'a member too many',
      'csr-invalid',
      makeCsr(ec, { attributes: [Uint8Array.of(0xa0, 0), Uint8Array.of(5, 0)] }),
      /./,
    ],
    ['ECDSA with SHA-1', 'csr-invalid', makeCsr(ec, { algorithm: csrAlgorithms['ecdsa-sha1'] }), /SHA-256/],
    ['RSA with SHA-1', 'csr-invalid', makeCsr(rsa, { algorithm: csrAlgorithms['rsa-sha1'] }), /SHA-256/],
    ["another key's algorithm", 'csr-invalid', makeCsr(ec, { algorithm: csrAlgorithms['rsa-sha256'] }), /belong/],
    ['parameters with ECDSA', 'csr-invalid', makeCsr(ec, { algorithm: ecdsaWithNull() }), /parameters/],
    ['RSA 1024', 'key-weak', makeCsr(weakRsa), /1024 bits/],
    ['RSA 4104', 'key-weak', makeCsr(rsa, { spki: rsaSpki((1n << 4103n) + 1n, 65537n) }), /4104 bits/],
    ['RSA 2049', 'key-weak', makeCsr(rsa, { spki: rsaSpki((1n << 2048n) + 1n, 65537n) }), /multiple of 8/],
    ['an even modulus', 'key-weak', makeCsr(rsa, { spki: rsaSpki(modulus - 1n, 65537n) }), /modulus is even/],
    ['an even exponent', 'key-weak', makeCsr(rsa, { spki: rsaSpki(modulus, 65538n) }), /exponent is even/],
    ['exponent 3', 'key-weak', makeCsr(rsa, { spki: rsaSpki(modulus, 3n) }), /65537/],
    ['an exponent of 2049 bits', 'key-weak', makeCsr(rsa, { spki: rsaSpki(modulus, (1n << 2048n) + 1n) }), /65537/],
    ['a negative modulus', 'key-weak', rsaCsr(new Uint8Array(256).fill(0xff)), /positive/],
    ['a padded modulus', 'key-weak', rsaCsr(new Uint8Array(257).fill(1).fill(0, 0, 1)), /minimal/],
    ['an RSA key of three numbers', 'key-weak', rsaCsr(rsaModulus, [Uint8Array.of(2, 1, 1)]), /two members/],
    ['a public key of three members', 'key-weak', rsaCsr(rsaModulus, [], [Uint8Array.of(5, 0)]), /too many/],
    ['secp256k1', 'key-weak', makeCsr(makeKey({ curve: 'secp256k1' })), /other than P-256, P-384, P-521/],
    ['Ed25519 with a parameter', 'csr-invalid', makeCsr(ed, { algorithm: der(0x30, edOid, nothing) }), /parameters/],
    ['Ed25519 of 31 octets', 'key-weak', makeCsr(ed, { spki: edSpki(new Uint8Array(31)) }), /32 octets of Ed25519/],
    ['P-384 signed as Ed25519', 'csr-invalid', makeCsr(p384, { algorithm: csrAlgorithms.ed25519 }), /belong/],
    ['PSS without parameters', 'csr-invalid', withPss(der(0x30, pssOid)), /PSS/],
    ['PSS by its defaults', 'csr-invalid', withPss(der(0x30, pssOid, der(0x30))), /SHA-1/],
    ['PSS masked by another hash', 'csr-invalid', withPss(pss({ mask: 'sha384' })), /MGF1/],
    ['PSS with another trailer', 'csr-invalid', withPss(pss({ more: [der(0xa3, Uint8Array.of(2, 1, 2))] })), /trailer/],
    ['PSS with a salt of 600', 'csr-invalid', withPss(pss({ saltLength: 600 })), /salt/],
    ['PSS with a member twice', 'csr-invalid', withPss(pss({ more: [der(0xa2, Uint8Array.of(2, 1, 2))] })), /belong/],
    ['PSS with an unknown member', 'csr-invalid', withPss(pss({ more: [der(0xa4, nothing)] })), /belong/],
    ['a compressed point', 'key-weak', makeCsr(ec, { spki: compressed(ec.spki) }), /uncompressed/],
  ];
  it.each(cases)('%s', (_name, code, input, message) => {
    expect(refusal(() => parseCsr(input), code).message).toMatch(message);
  });

  it.each([
    ["another key's signature", makeCsr(ec, { sign: makeKey({ curve: 'P-256' }).sign }), /not signed by its own key/],
    ['a signature of other bytes', makeCsr(rsa, { sign: () => rsa.sign(Buffer.of(1)) }), /not signed by its own key/],
    ['no signature', makeCsr(ec, { sign: () => new Uint8Array() }), /not signed by its own key/],
    ['garbage for a signature', makeCsr(ec, { sign: () => randomBytes(70) }), /not signed by its own key/],
  ])('%s', async (_name, csr, message) => {
    const parsed = parseCsr(csr);
    expect((await rejection(verifyCsr(parsed), 'csr-invalid')).message).toMatch(message);
  });

  it.each([
    ['a point beside the curve', makeCsr(ec, { spki: offCurve(ec.spki) }), /not a valid one/],
    ['a modulus with a small factor', makeCsr(rsa, { spki: rsaSpki(withFactor(751n), 65537n) }), /divisible by 751/],
    [
      'a modulus of 257 octets with one',
      makeCsr(rsa, { spki: rsaSpki(withFactor(751n, (1n << 2055n) + 1n), 65537n) }),
      /divisible by 751/,
    ],
    ['a modulus as the ROCA generator makes', makeCsr(rsa, { spki: rsaSpki(rocaModulus(2047n), 65537n) }), /ROCA/],
    ['a P-384 point beside the curve', makeCsr(p384, { spki: offCurve(p384.spki) }), /not a valid one/],
    ['a P-521 point beside the curve', makeCsr(p521, { spki: offCurve(p521.spki) }), /not a valid one/],
    ['an Ed25519 point beside the curve', makeCsr(ed, { spki: edSpki(littleEndian(2n)) }), /not on its curve/],
    ['the neutral point', makeCsr(ed, { spki: edSpki(littleEndian(1n)) }), /small order/],
    ['a point of order 2', makeCsr(ed, { spki: edSpki(littleEndian((1n << 255n) - 20n)) }), /small order/],
    ['a point of order 4', makeCsr(ed, { spki: edSpki(littleEndian(0n)) }), /small order/],
    ['a point of order 8', makeCsr(ed, { spki: edSpki(Buffer.from(order8, 'hex')) }), /small order/],
    ['an Ed25519 point in another form', makeCsr(ed, { spki: edSpki(littleEndian((1n << 255n) - 18n)) }), /only form/],
    ['zero with a sign', makeCsr(ed, { spki: edSpki(littleEndian(1n + (1n << 255n))) }), /only form/],
    ['primes side by side', makeCsr(rsa, { spki: rsaSpki(closePrimes(2n), 65537n) }), /close together/],
    [
      'primes found in the hundredth round',
      makeCsr(rsa, { spki: rsaSpki(closePrimes(99n), 65537n) }),
      /close together/,
    ],
    [
      'a modulus as the ROCA generator makes, of 257 octets',
      makeCsr(rsa, { spki: rsaSpki(rocaModulus(2055n), 65537n) }),
      /ROCA/,
    ],
  ])('%s', async (_name, csr, message) => {
    const parsed = parseCsr(csr);
    expect((await rejection(verifyCsr(parsed), 'key-weak')).message).toMatch(message);
  });

  it('primes that the hundredth round finds, and not ones that the next would', async () => {
    await rejection(checkPublicKey(rsaSpki(closePrimes(99n), 65537n)), 'key-weak');
    await checkPublicKey(rsaSpki(closePrimes(100n), 65537n));
  });

  it('a key that is blocked, and no other', async () => {
    const blocked = new Set([publicKeyHash(ec.spki), publicKeyHash(rsa.spki)]);
    for (const key of [ec, rsa]) {
      expect((await rejection(verifyCsr(parseCsr(makeCsr(key)), blocked), 'key-blocked')).message).toMatch(/blocked/);
      await rejection(checkPublicKey(key.spki, blocked), 'key-blocked');
      await checkPublicKey(key.spki, new Set([publicKeyHash(ed.spki)]));
    }
    await verifyCsr(parseCsr(makeCsr(ed)), blocked);
  });

  it('whatever one changes, cuts or adds', async () => {
    const seeds = [good, makeCsr(rsa), makeCsr(ed), withPss(pss({})), withSan(der(0x82, Buffer.from('a.test')))];
    const damaged = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(),
      )
      .map(([seed, changes, cut]) => {
        const bytes = Buffer.from(seed);
        for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
        return cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
      });
    await fc.assert(
      fc.asyncProperty(damaged, async (bytes) => {
        fc.pre(!seeds.some((seed) => bytes.equals(seed)));
        const prove = async () => await verifyCsr(parseCsr(bytes));
        expect(['csr-invalid', 'key-weak']).toContain((await rejection(prove())).code);
      }),
      { numRuns: 400 },
    );
  });
});

const nothing = Uint8Array.of(5, 0);
const edOid = csrAlgorithms.ed25519.subarray(2);
const pssOid = Buffer.from('06092a864886f70d01010a', 'hex');
const hashOids = { sha256: 1, sha384: 2, sha512: 3 } as const;

/** AlgorithmIdentifier of RSASSA-PSS. */
function pss(parts: {
  hash?: keyof typeof hashOids;
  mask?: keyof typeof hashOids;
  saltLength?: number;
  more?: Uint8Array[];
}): Uint8Array {
  const { hash = 'sha256', mask = hash, saltLength = 32, more = [] } = parts;
  const hashOf = (name: keyof typeof hashOids) => {
    const oid = Buffer.from('0609608648016503040200', 'hex');
    oid[oid.length - 1] = hashOids[name];
    return der(0x30, oid, nothing);
  };
  const mgf1 = der(0x30, Buffer.from('06092a864886f70d010108', 'hex'), hashOf(mask));
  const salt = saltLength < 0x80 ? Uint8Array.of(saltLength) : Uint8Array.of(saltLength >> 8, saltLength & 0xff);
  return der(0x30, pssOid, der(0x30, der(0xa0, hashOf(hash)), der(0xa1, mgf1), der(0xa2, der(0x02, salt)), ...more));
}

function withPss(algorithm: Uint8Array): Uint8Array {
  return makeCsr(rsa, { algorithm });
}

function edSpki(octets: Uint8Array): Uint8Array {
  return der(0x30, csrAlgorithms.ed25519, der(0x03, Uint8Array.of(0), octets));
}

function littleEndian(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

/** One of the four points of order 8 (RFC 8032 curve; the list of libsodium). */
const order8 = '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05';

/** A product of 2048 bits of two odd numbers without small factors, found by Fermat's method in that round. */
function closePrimes(round: bigint): bigint {
  const isRough = (value: bigint) => smallPrimes.every((prime) => value % prime !== 0n);
  // (a − b)(a + b): b² just above 2a · round puts its root so many rounds below a, counted from 0.
  for (let a = (1n << 1023n) + (1n << 1022n); ; a += 1n) {
    const b = sqrt(2n * a * round);
    for (let near = b + 1n; near < b + 200n; near += 1n) {
      if (isRough(a - near) && isRough(a + near)) return (a - near) * (a + near);
    }
  }
}

function sqrt(value: bigint): bigint {
  let root = 1n << BigInt(value.toString(2).length);
  for (let next = root; ; root = next) {
    next = (root + value / root) >> 1n;
    if (next >= root) return root;
  }
}

function withSan(...names: Uint8Array[]): Uint8Array {
  return makeCsr(ec, { attributes: [extensionRequest(sanExtension(...names))] });
}

function paddedLength(csr: Uint8Array): Uint8Array {
  const [content, length] = csr[1] === 0x81 ? [csr.subarray(3), csr[2]] : [csr.subarray(2), csr[1]];
  return Buffer.concat([Buffer.of(0x30, 0x82, 0, length ?? 0), content]);
}

function ecdsaWithNull(): Uint8Array {
  return der(0x30, csrAlgorithms['ecdsa-sha256'].subarray(2), Uint8Array.of(5, 0));
}

function compressed(spki: Uint8Array): Uint8Array {
  return der(0x30, spki.subarray(2, 23), der(0x03, Uint8Array.of(0, 2), spki.subarray(27, 59)));
}

function offCurve(spki: Uint8Array): Uint8Array {
  const changed = new Uint8Array(spki);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

function withFactor(prime: bigint, near = modulus): bigint {
  let candidate = near + prime - (near % prime);
  while (candidate % 2n === 0n || smallPrimes.some((other) => other !== prime && candidate % other === 0n)) {
    candidate += prime;
  }
  return candidate;
}

function withSubject(hex: string): Uint8Array {
  return makeCsr(ec, { subject: Buffer.from(hex, 'hex') });
}

function nested(depth: number): string {
  let element: Uint8Array = Uint8Array.of(0x30, 0);
  for (let level = 1; level < depth; level += 1) element = der(0x30, element);
  return Buffer.from(element).toString('hex');
}

function fourthMember(csr: Uint8Array): Uint8Array {
  return der(0x30, csr.subarray(csr[1] === 0x81 ? 3 : 2), Uint8Array.of(5, 0));
}

function unusedBits(csr: Uint8Array): Uint8Array {
  const algorithm = csrAlgorithms['ecdsa-sha256'];
  const changed = new Uint8Array(csr);
  changed[Buffer.from(csr).lastIndexOf(algorithm) + algorithm.length + 2] = 1;
  return changed;
}

/** A CSR for an RSA key of these modulus octets, with members that do not belong into the key, or beside it. */
function rsaCsr(octets: Uint8Array, inKey: Uint8Array[] = [], beside: Uint8Array[] = []): Uint8Array {
  const key = der(0x30, der(0x02, octets), Uint8Array.of(2, 3, 1, 0, 1), ...inKey);
  const algorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex');
  return makeCsr(rsa, { spki: der(0x30, algorithm, der(0x03, Uint8Array.of(0), key), ...beside) });
}

/** k·M + 65537^a mod M, with M the product of the primes to 167: what CVE-2017-15361 is about. */
function rocaModulus(topBit: bigint): bigint {
  const product = smallPrimes.filter((prime) => prime <= 167n).reduce((all, prime) => all * prime, 1n);
  const residue = 65537n ** 12345n % product;
  let candidate = ((1n << topBit) / product + 1n) * product + residue;
  while (smallPrimes.some((prime) => candidate % prime === 0n)) candidate += product;
  return candidate;
}
