import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { keptSecret, writeSecretFile } from '../secret-file.js';

const commonName = 'demo client';

/**
 * Writes a body for POST /identity: `request.json` for tls-client, otherwise named for the profile. Its CSR is signed
 * by `key.pem` beside it, made the first time. What is there already stays.
 */
export function writeDemoRequest(folder: string, profile: string): void {
  const file = join(folder, profile === 'tls-client' ? 'request.json' : `request-${profile}.json`);
  if (existsSync(file)) return;
  const pem = keptSecret(join(folder, 'key.pem'), () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  const body = { profile, subject_dn: { common_name: commonName }, csr: certificationRequest(pem) };
  writeSecretFile(file, `${JSON.stringify(body, null, 2)}\n`);
}

/** A PKCS#10 request (RFC 2986) for CN=demo client by a P-256 key (PKCS#8 PEM), as PEM. */
function certificationRequest(keyPem: string): string {
  const key = createPrivateKey(keyPem);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
  const name = der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from(commonName)))));
  const info = der(0x30, der(0x02, Buffer.from([0])), name, spki, der(0xa0));
  const ecdsaWithSha256 = der(0x30, oid('2a8648ce3d040302'));
  const request = der(0x30, info, ecdsaWithSha256, der(0x03, Buffer.from([0]), sign('sha256', info, key)));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join('\n');
}

/** Tag, length (definite, up to 65535), contents. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), contents]);
}
