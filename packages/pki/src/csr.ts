import { SluiceError } from '@sluice/errors';
import { importSubjectKey } from './check-public-key.js';
import { type CsrSignature, readCsrSignature, verifyCsrSignature } from './csr-signature.js';
import { DerReader, sameBytes } from './der-reader.js';
import { tags } from './der-writer.js';
import type { KeyKind } from './key-table.js';
import { pemReader } from './pem.js';
import { readPublicKey } from './public-key.js';

/** Octets of a CSR, in whatever form it came; checked before anything is decoded. */
export const csrBytesMax = 16_384;

/** A PKCS#10 request as read. That its sender holds the key is not yet known: `verifyCsr`. */
export interface ParsedCsr {
  readonly der: Uint8Array;
  /** SubjectPublicKeyInfo, DER; a view into `der`, as are the ones below. */
  readonly spki: Uint8Array;
  readonly keyKind: KeyKind;
  /** The Name as sent. It goes into no certificate: the subject comes from the request's own field. */
  readonly subjectDer: Uint8Array;
  readonly proof: CsrSignature & { readonly signed: Uint8Array; readonly signature: Uint8Array };
}

/**
 * Reads a CSR (RFC 2986): PEM, base64 or DER, at most 16 kB, nothing after it. Only the key is taken from it: what its
 * attributes ask for is held against DER and not read further. Costs a few microseconds; the key is checked by its form. Throws `csr-invalid` or `key-weak`.
 */
export function parseCsr(input: string | Uint8Array): ParsedCsr {
  const der = derOf(input);
  const reader = new DerReader(der, 'csr-invalid');
  const parts = reader.children(reader.whole(tags.sequence, 'CSR'), 'CSR');
  if (parts.length !== 3) throw reader.fault('CSR', 'does not have three members');
  const info = reader.expect(parts[0], tags.sequence, 'CSR info');
  const [version, subject, publicKey, ...attributes] = reader.children(info, 'CSR info');
  if (!sameBytes(reader.contentOf(reader.expect(version, tags.integer, 'CSR version')), Uint8Array.of(0))) {
    throw reader.fault('CSR version', 'is not 1');
  }
  const spki = reader.bytesOf(reader.expect(publicKey, tags.sequence, 'CSR public key'));
  const { kind } = readPublicKey(spki);
  const { digest, pssSaltBytes } = readCsrSignature(
    reader,
    reader.expect(parts[1], tags.sequence, 'CSR signature algorithm'),
    kind,
  );
  if (attributes.length > 1 || (attributes[0] !== undefined && attributes[0].tag !== 0xa0)) {
    throw reader.fault('CSR info', 'has a member that is not attributes');
  }
  return {
    der,
    spki,
    keyKind: kind,
    subjectDer: reader.bytesOf(reader.expect(subject, tags.sequence, 'CSR subject')),
    proof: { digest, pssSaltBytes, signed: reader.bytesOf(info), signature: reader.bitsOf(parts[2], 'CSR signature') },
  };
}

/**
 * Proof of possession: the CSR is signed by its own key; and the dear checks of that key (point on the curve, known
 * weak moduli, and `blocked`: `publicKeyHash` of keys that nobody may use again). Throws `csr-invalid`, `key-weak` or `key-blocked`.
 * Apart from `parseCsr`, so that admission can come between.
 */
export async function verifyCsr(parsed: ParsedCsr, blocked?: Pick<ReadonlySet<string>, 'has' | 'size'>): Promise<void> {
  const key = await importSubjectKey(readPublicKey(parsed.spki), blocked);
  let proven = false;
  try {
    proven = verifyCsrSignature(parsed.proof, key);
  } catch (cause) {
    throw new SluiceError('csr-invalid', 'the signature of the CSR cannot be read', { cause });
  }
  if (!proven) throw new SluiceError('csr-invalid', 'the CSR is not signed by its own key');
}

const readPem = pemReader('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST');

function derOf(input: string | Uint8Array): Uint8Array {
  if (input.length > csrBytesMax) throw new SluiceError('csr-invalid', `the CSR has more than ${csrBytesMax} octets`);
  // DER begins with 0x30; PEM with a hyphen or a blank, base64 of a SEQUENCE with "M".
  if (typeof input !== 'string' && input[0] === tags.sequence) return input;
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('latin1');
  const der = readPem(text);
  if (der === undefined) throw new SluiceError('csr-invalid', 'the CSR is neither PEM, nor base64, nor DER');
  return der;
}
