import { createCipheriv, createDecipheriv, createPrivateKey, type KeyObject, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';

const scryptAsync = promisify<string, Uint8Array, number, { N: number; r: number; p: number }, Buffer>(scrypt);

/** scrypt (RFC 7914) with 16 MB of memory: OpenSSL's own default for `pkcs8 -scrypt`, and within its limit to read. */
const cost = { N: 16_384, r: 8, p: 1 } as const;

/**
 * A private key as PEM "ENCRYPTED PRIVATE KEY" (RFC 5958; PBES2 of RFC 8018, scrypt, AES-256-CBC). node:crypto writes
 * only PBKDF2 with 2048 rounds, which is little for a CA key, but reads this form; so does `openssl pkey`.
 */
export async function encryptPkcs8(pkcs8: Uint8Array, passphrase: string): Promise<string> {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const key = await scryptAsync(passphrase, salt, 32, cost);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const encrypted = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
  key.fill(0);
  const info = encode({ salt, iv, encrypted });
  const lines = info.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${lines}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

/**
 * The key in such a PEM. What `encryptPkcs8` wrote is opened beside other work; whatever else OpenSSL can read (another
 * cost, PBKDF2) is opened by it, which holds the thread meanwhile. Throws for a wrong pass phrase and for damage, as
 * whoever reads it finds out; nothing of what it throws belongs into a log.
 */
export async function decryptPkcs8(pem: string, passphrase: string): Promise<KeyObject> {
  const ours = readOurs(Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64'));
  if (ours === undefined) return createPrivateKey({ key: pem, format: 'pem', passphrase });
  const key = await scryptAsync(passphrase, ours.salt, 32, cost);
  const decipher = createDecipheriv('aes-256-cbc', key, ours.iv);
  key.fill(0);
  const pkcs8 = Buffer.concat([decipher.update(ours.encrypted), decipher.final()]);
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } finally {
    pkcs8.fill(0);
  }
}

interface Encrypted {
  readonly salt: Buffer;
  readonly iv: Buffer;
  readonly encrypted: Buffer;
}

function encode({ salt, iv, encrypted }: Encrypted): Buffer {
  const kdf = der(0x30, [scryptOid, der(0x30, [der(0x04, [salt]), ...[cost.N, cost.r, cost.p, 32].map(integer)])]);
  const scheme = der(0x30, [aes256CbcOid, der(0x04, [iv])]);
  const algorithm = der(0x30, [pbes2Oid, der(0x30, [kdf, scheme])]);
  return der(0x30, [algorithm, der(0x04, [encrypted])]);
}

/** `undefined` for what `encode` would write in any other way. */
function readOurs(octets: Buffer): Encrypted | undefined {
  const [info] = contentsOf(octets);
  const [algorithm, encrypted] = contentsOf(info);
  const [, parameters] = contentsOf(algorithm);
  const [kdf, scheme] = contentsOf(parameters);
  const [, kdfParameters] = contentsOf(kdf);
  const [salt] = contentsOf(kdfParameters);
  const [, iv] = contentsOf(scheme);
  if (salt === undefined || iv === undefined || encrypted === undefined) return undefined;
  const read = { salt, iv, encrypted };
  return encode(read).equals(octets) ? read : undefined;
}

/** What the values in it contain, one after the other, as far as they are whole: whoever asks compares the rest. */
function contentsOf(octets: Buffer | undefined): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  while (octets !== undefined && at + 2 <= octets.length) {
    const first = octets[at + 1] ?? 0;
    const lengthOctets = first < 0x80 ? 0 : Math.min(first - 0x80, 4);
    const begin = at + 2 + lengthOctets;
    const length = lengthOctets === 0 ? first : Number.parseInt(octets.toString('hex', at + 2, begin) || '0', 16);
    found.push(octets.subarray(begin, begin + length));
    at = begin + length;
  }
  return found;
}

// OBJECT IDENTIFIERs, DER.
const pbes2Oid = Buffer.from('06092a864886f70d01050d', 'hex');
const scryptOid = Buffer.from('06092b06010401da47040b', 'hex');
const aes256CbcOid = Buffer.from('060960864801650304012a', 'hex');

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return der(0x02, (magnitude[0] ?? 0) < 0x80 ? [magnitude] : [Buffer.of(0), magnitude]);
}

function der(tag: number, parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, content]);
}
