import { createPublicKey, type SignKeyObjectInput, verify } from 'node:crypto';
import { at, readTree, type Tree } from './tree.js';

/**
 * SubjectPublicKeyInfo of a CSR as it stands in a body, and what is wrong with it: read by asn1js, its signature
 * verified by OpenSSL. For CSRs that were taken although something was done to them.
 */
export function csrOf(text: string): { readonly spki: Uint8Array; readonly faults: readonly string[] } {
  const label = '-----(BEGIN|END) (NEW )?CERTIFICATE REQUEST-----';
  const compact = text.replace(new RegExp(`^\\s*${label}|${label}\\s*$`, 'g'), '').replace(/\s/g, '');
  const der = Buffer.from(compact, 'base64');
  if (der.toString('base64') !== compact) return { spki: new Uint8Array(), faults: ['this is no base64'] };
  let tree: Tree;
  try {
    tree = readTree(der);
  } catch (fault) {
    return { spki: new Uint8Array(), faults: [String(fault)] };
  }
  const [info, algorithm, signature] = [elementOf(der, 0), at(tree, 1), String(at(tree, 2)[1])];
  const spki = elementOf(info, 2);
  const faults = (tree[1].length === 3 ? [] : ['members']).concat(
    at(tree, 0, 0)[1] === '00' ? [] : ['version'],
    isSigned(info, spki, algorithm, Buffer.from(signature.slice(2), 'hex')) ? [] : ['signature'],
  );
  return { spki, faults };
}

/** The element at a position inside a constructed one, with its header. The value is DER. */
function elementOf(der: Buffer, position: number): Buffer {
  const headerOf = (from: Buffer): number => ((from[1] ?? 0) < 0x80 ? 2 : 2 + ((from[1] ?? 0) & 0x7f));
  const sizeOf = (from: Buffer): number => {
    const header = headerOf(from);
    return header + (header === 2 ? (from[1] ?? 0) : from.readUIntBE(2, header - 2));
  };
  let rest = der.subarray(headerOf(der));
  for (let index = 0; index < position; index += 1) rest = rest.subarray(sizeOf(rest));
  return rest.subarray(0, sizeOf(rest));
}

const digests: Readonly<Record<string, string | null>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.3.101.112': null,
};
const pss = '1.2.840.113549.1.1.10';
const sha2: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

function isSigned(info: Buffer, spki: Buffer, algorithm: Tree, signature: Buffer): boolean {
  const name = String(at(algorithm, 0)[1]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  if (name !== pss) return name in digests && verify(digests[name], info, key, signature);
  const digest = sha2[String(at(algorithm, 1, 0, 0, 0)[1])];
  const salt = String(at(algorithm, 1, 2, 0)[1]);
  const options: Partial<SignKeyObjectInput> = { padding: 6, saltLength: Number.parseInt(salt, 16) };
  return digest !== undefined && verify(digest, info, { ...options, key }, signature);
}
