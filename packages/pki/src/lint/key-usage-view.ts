import type { CertificateView } from './certificate-view.js';
import { derTags } from './der.js';

/** Bits of KeyUsage (RFC 5280 4.2.1.3) as those of a number: bit n of the BIT STRING is 1 << n. */
export const usages = {
  digitalSignature: 1,
  nonRepudiation: 2,
  keyEncipherment: 4,
  dataEncipherment: 8,
  keyAgreement: 16,
  keyCertSign: 32,
  cRLSign: 64,
  encipherOnly: 128,
  decipherOnly: 256,
} as const;

/** The usages that are set, 0 for none; -1 when the extension is absent or not a BIT STRING. */
export function keyUsageOf(certificate: CertificateView): number {
  const value = certificate.valueOf('keyUsage');
  if (value?.tag !== derTags.bitString) return -1;
  const { bytes } = certificate.der;
  let bits = 0;
  const end = Math.min(value.end, value.content + 4);
  for (let at = value.content + 1; at < end; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      if (((bytes[at] ?? 0) & (0x80 >> bit)) !== 0) bits |= 1 << (8 * (at - value.content - 1) + bit);
    }
  }
  return bits;
}

/** Names of the usages in a number. */
export function usageNames(bits: number): string {
  const names = Object.entries(usages).filter(([, bit]) => (bits & bit) !== 0);
  return names.map(([name]) => name).join(', ');
}
