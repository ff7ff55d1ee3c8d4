import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { der } from './der.js';

export type CsrKeyKind = 'ec-p256' | 'rsa-2048';

const commonNameOid = Buffer.from([0x55, 0x04, 0x03]);
const ecdsaWithSha256 = Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);
const rsaWithSha256 = Buffer.from([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]);

export interface MadeCsr {
  /** PKCS#10, PEM. */
  readonly pem: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
}

/** RSA keys take long to make: a few are made once per process and used in turn. */
const rsaKeys: KeyObject[] = [];
const rsaKeysMax = 4;
let rsaNext = 0;

function privateKey(kind: CsrKeyKind): KeyObject {
  if (kind === 'ec-p256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  if (rsaKeys.length < rsaKeysMax) rsaKeys.push(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
  rsaNext = (rsaNext + 1) % rsaKeys.length;
  return rsaKeys[rsaNext] as KeyObject;
}

/**
 * A real PKCS#10 request (RFC 2986) with subject CN=`commonName`, signed by its own key: a new one for P-256, one of a
 * small pool for RSA, unless `key` (PKCS#8 PEM) is given.
 */
export function makeCsr(kind: CsrKeyKind, commonName: string, key?: string): MadeCsr {
  const signer = key === undefined ? privateKey(kind) : createPrivateKey(key);
  const publicKey = createPublicKey(signer).export({ type: 'spki', format: 'der' });
  const name = der(0x30, der(0x31, der(0x30, der(0x06, commonNameOid), der(0x0c, Buffer.from(commonName, 'utf8')))));
  const info = der(0x30, der(0x02, Buffer.from([0])), name, publicKey, der(0xa0));
  const algorithm =
    kind === 'ec-p256' ? der(0x30, der(0x06, ecdsaWithSha256)) : der(0x30, der(0x06, rsaWithSha256), der(0x05));
  const signature = sign('sha256', info, signer);
  const request = der(0x30, info, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    pem: `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`,
    spki: publicKey,
  };
}
