import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { tlv } from '../inputs/tlv.js';

// PKCS#10 requests with one fault each. DER written here by hand, so that no writer of ours can be wrong with its reader.

const ecdsaWithSha256 = tlv(0x30, Buffer.from('06082a8648ce3d040302', 'hex'));
const rsaWithSha256 = tlv(0x30, Buffer.from('06092a864886f70d01010b', 'hex'), Buffer.from('0500', 'hex'));
const rsaEncryption = tlv(0x30, Buffer.from('06092a864886f70d010101', 'hex'), Buffer.from('0500', 'hex'));
const commonName = Buffer.from('0603550403', 'hex');

interface Parts {
  readonly spki: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly signer: KeyObject;
}

function request({ spki, algorithm, signer }: Parts): Buffer {
  const name = tlv(0x30, tlv(0x31, tlv(0x30, commonName, tlv(0x0c, Buffer.from('bad.example')))));
  const info = tlv(0x30, Buffer.from('020100', 'hex'), name, spki, Buffer.from('a000', 'hex'));
  return tlv(0x30, info, algorithm, tlv(0x03, Buffer.of(0), sign('sha256', info, signer)));
}

const spkiOf = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'der' });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const p256 = ec('P-256');
const rsaSmall = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const rsaSound = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

function rsaSpki(modulus: Uint8Array, exponent: Uint8Array): Buffer {
  const key = tlv(0x30, tlv(0x02, Buffer.of(0), modulus), tlv(0x02, exponent));
  return tlv(0x30, rsaEncryption, tlv(0x03, Buffer.of(0), key));
}

function modulusOf(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ format: 'jwk' }).n ?? '', 'base64url');
}

/** The same with one octet, counted from the end, changed. */
function changed(octets: Uint8Array, fromEnd: number): Buffer {
  const copy = Buffer.from(octets);
  copy[copy.length - fromEnd] = (copy[copy.length - fromEnd] ?? 0) ^ 0x01;
  return copy;
}

const sound = request({ spki: spkiOf(p256), algorithm: ecdsaWithSha256, signer: p256 });
const soundModulus = modulusOf(rsaSound);
const rsa = (spki: Uint8Array, signer = rsaSound) => request({ spki, algorithm: rsaWithSha256, signer });
/** Outer SEQUENCE of the sound one, with its content and another header. */
const withHeader = (header: string, ...more: Uint8Array[]) =>
  Buffer.concat([Buffer.from(header, 'hex'), sound.subarray(3), ...more]);

function nested(depth: number): Buffer {
  let inner: Buffer = Buffer.from('0500', 'hex');
  for (let level = 0; level < depth; level += 1) inner = tlv(0x30, inner);
  return inner;
}

const evenModulus = Buffer.from(soundModulus);
evenModulus[evenModulus.length - 1] = (evenModulus.at(-1) ?? 0) & 0xfe;

/** Without a fault: shows that the faults below are what is refused. */
export const soundCsr = sound.toString('base64');

/** Base64 of the DER, by what is wrong with it. */
export const badCsrs: Readonly<
  Record<string, { readonly csr: string; readonly code: string; readonly status: number }>
> = {
  ...invalid({
    'is signed by another key': request({ spki: spkiOf(p256), algorithm: ecdsaWithSha256, signer: ec('P-256') }),
    'has one bit of its signature changed': changed(sound, 1),
    'has one bit of its info changed': changed(sound, sound.length - 20),
    'has an octet after its end': Buffer.concat([sound, Buffer.of(0)]),
    'has another CSR after its end': Buffer.concat([sound, sound]),
    'is cut off': sound.subarray(0, -1),
    'has a length of two octets where one does (BER)': withHeader(`308200${sound.subarray(2, 3).toString('hex')}`),
    'has an indefinite length (BER)': withHeader('3080', Buffer.of(0, 0)),
    'has a length of four octets that no limit lets pass': withHeader('3084ffffffff'),
    'is no SEQUENCE': Buffer.concat([Buffer.of(0x31), sound.subarray(1)]),
    'is empty': Buffer.from('3000', 'hex'),
    'nests 2,000 deep': nested(2000),
    'nests 5,000 deep without lengths (BER)': Buffer.from('3080'.repeat(5000), 'hex'),
    'is of the second version': Buffer.from(sound.toString('hex').replace('020100', '020101'), 'hex'),
    'is signed with SHA-1': request({
      spki: spkiOf(p256),
      algorithm: tlv(0x30, Buffer.from('06072a8648ce3d0401', 'hex')),
      signer: p256,
    }),
    'is signed with an algorithm of another kind of key': request({
      spki: spkiOf(p256),
      algorithm: rsaWithSha256,
      signer: p256,
    }),
  }),
  ...weak({
    'has an RSA key of 1024 bits': rsa(spkiOf(rsaSmall), rsaSmall),
    'has an RSA key with an even exponent': rsa(rsaSpki(soundModulus, Buffer.of(0x01, 0, 0))),
    'has an RSA key with exponent 3': rsa(rsaSpki(soundModulus, Buffer.of(3))),
    'has an RSA key with an even modulus': rsa(rsaSpki(evenModulus, Buffer.of(1, 0, 1))),
    'has an RSA key with a small factor': rsa(rsaSpki(divisibleBy3(soundModulus), Buffer.of(1, 0, 1))),
    'has a key on a curve nobody takes': request({
      spki: spkiOf(ec('secp256k1')),
      algorithm: ecdsaWithSha256,
      signer: p256,
    }),
    'has a point off its curve': request({ spki: changed(spkiOf(p256), 1), algorithm: ecdsaWithSha256, signer: p256 }),
    'has the point at infinity': request({
      spki: tlv(0x30, spkiOf(p256).subarray(2, 23), Buffer.from('03020000', 'hex')),
      algorithm: ecdsaWithSha256,
      signer: p256,
    }),
  }),
};

function divisibleBy3(modulus: Uint8Array): Buffer {
  const value = BigInt(`0x${Buffer.from(modulus).toString('hex')}`);
  // Odd, and a multiple of 3, of as many bits.
  const changedValue = value - (value % 6n) + 3n;
  return Buffer.from(changedValue.toString(16), 'hex');
}

function invalid(csrs: Readonly<Record<string, Uint8Array>>) {
  return withCode(csrs, 'csr-invalid');
}

function weak(csrs: Readonly<Record<string, Uint8Array>>) {
  return withCode(csrs, 'key-weak');
}

function withCode(csrs: Readonly<Record<string, Uint8Array>>, code: string) {
  return Object.fromEntries(
    Object.entries(csrs).map(([name, der]) => [name, { csr: Buffer.from(der).toString('base64'), code, status: 422 }]),
  );
}
