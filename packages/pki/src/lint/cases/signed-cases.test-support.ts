import { ecdsaSha256 } from './base.test-support.js';
import * as d from './der-writing.test-support.js';

/** Two numbers such as an ECDSA signature is made of. */
export const ecdsaSignature = d.seq(d.int('7f'.repeat(32)), d.int(`00${'f1'.repeat(32)}`));

/** The outer members of a certificate signed by ECDSA, and what is wrong with them. */
export const signedCases: readonly {
  readonly rule: string;
  readonly what: string;
  readonly algorithm?: Uint8Array;
  readonly value?: Uint8Array;
  readonly more?: readonly Uint8Array[];
}[] = [
  { rule: 'certificate-structure', what: 'a member too many', more: [d.nothing] },
  { rule: 'certificate-structure', what: 'no BIT STRING', value: d.octets(ecdsaSignature) },
  { rule: 'signature-algorithms-equal', what: 'another', algorithm: d.seq(d.oid('2a8648ce3d040303')) },
  { rule: 'signature-algorithms-equal', what: 'NULL beside', algorithm: d.seq(d.oid('2a8648ce3d040302'), d.nothing) },
  { rule: 'signature-value-bits', what: 'empty', value: d.bits(0, Buffer.alloc(0)) },
  { rule: 'signature-value-bits', what: 'unused bits', value: d.bits(1, Buffer.of(2)) },
  { rule: 'signature-value-form', what: 'raw r and s', value: d.bits(0, Buffer.alloc(64, 7)) },
  { rule: 'signature-value-form', what: 'zero', value: d.bits(0, d.seq(d.int('00'), d.int('01'))) },
  { rule: 'signature-value-form', what: 'padded', value: d.bits(0, d.seq(d.int('0001'), d.int('01'))) },
  { rule: 'signature-value-form', what: 'negative', value: d.bits(0, d.seq(d.int('81'), d.int('01'))) },
  {
    rule: 'signature-value-form',
    what: 'octet after it',
    value: d.bits(0, Buffer.concat([ecdsaSignature, Buffer.of(0)])),
  },
];

/** A certificate around a TBSCertificate. */
export function certificateOf(
  tbs: Uint8Array,
  outer: Omit<(typeof signedCases)[number], 'rule' | 'what'> = {},
): Uint8Array {
  const value = outer.value ?? d.bits(0, ecdsaSignature);
  return d.seq(tbs, outer.algorithm ?? ecdsaSha256, value, ...(outer.more ?? []));
}
