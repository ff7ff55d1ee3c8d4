import { type Curve, curveP256, curveP384, curveP521, isOnCurve } from '../curves.js';
import { type Der, type DerNode, derTags } from '../der.js';
import { oid } from '../object-identifiers.js';
import { variableRule } from '../rule.js';
import { integerBits, type RsaKey, readRsaKey, type SpkiView } from '../spki-view.js';
import type { LintRule, Report } from '../types.js';

const pointer = 'subjectPublicKeyInfo';
const curves: readonly (readonly [Uint8Array, Curve])[] = [
  [oid('2a8648ce3d030107'), curveP256],
  [oid('2b81040022'), curveP384],
  [oid('2b81040023'), curveP521],
];
const nullParameters = oid('0500');
const [modulusBitsMin, modulusBitsMax] = [2048, 4096];

/** A rule about keys of one algorithm. */
function keyRule(
  name: string,
  source: string,
  algorithm: SpkiView['algorithm'],
  check: (der: Der, spki: SpkiView, report: Report) => void,
): LintRule {
  return variableRule(name, source, pointer, ({ der, spki }, _context, report) => {
    if (spki !== null && spki.algorithm === algorithm) check(der, spki, report);
  });
}

function rsaRule(name: string, source: string, check: (der: Der, key: RsaKey, report: Report) => void): LintRule {
  return keyRule(name, source, 'rsa', (der, spki, report) => {
    const key = readRsaKey(der, spki);
    if (key !== undefined) check(der, key, report);
  });
}

function isOdd(der: Der, node: DerNode): boolean {
  return ((der.bytes[node.end - 1] ?? 0) & 1) === 1;
}

function curveOf(der: Der, { parameters }: SpkiView): Curve | undefined {
  if (parameters?.tag !== derTags.oid) return undefined;
  return curves.find(([octets]) => der.contentIs(parameters, octets))?.[1];
}

/** An uncompressed point by its form. */
function isUncompressed(der: Der, { keyStart, keyEnd }: SpkiView, curve: Curve): boolean {
  return keyEnd - keyStart === 1 + 2 * curve.octets && der.bytes[keyStart] === 0x04;
}

const rsaRules: readonly LintRule[] = [
  keyRule('key-rsa-null', 'RFC 3279 2.3.1', 'rsa', (der, { parameters }, report) => {
    if (parameters === undefined || !der.nodeIs(parameters, nullParameters)) report('must have NULL as parameters');
  }),
  keyRule('key-rsa-syntax', 'RFC 3279 2.3.1', 'rsa', (der, spki, report) => {
    if (readRsaKey(der, spki) === undefined) report('is not an RSAPublicKey of two positive INTEGERs');
  }),
  rsaRule('key-rsa-modulus-size', 'BR 6.1.5', (der, { modulus }, report) => {
    const bits = integerBits(der, modulus);
    if (bits < modulusBitsMin || bits > modulusBitsMax || bits % 8 !== 0) {
      report(`has ${bits} bits; ${modulusBitsMin} to ${modulusBitsMax}, a multiple of 8, are taken`);
    }
  }),
  rsaRule('key-rsa-modulus-odd', 'BR 6.1.6', (der, { modulus }, report) => {
    if (!isOdd(der, modulus)) report('has an even modulus');
  }),
  rsaRule('key-rsa-exponent', 'BR 6.1.6', (der, { exponent }, report) => {
    const bits = integerBits(der, exponent);
    if (!isOdd(der, exponent) || bits < 17 || bits > 256) report('must have an odd exponent from 65537 to 2^256 - 1');
  }),
];

const ecRules: readonly LintRule[] = [
  keyRule('key-ec-named-curve', 'RFC 5480 2.1.1', 'ec', (_der, { parameters }, report) => {
    if (parameters?.tag !== derTags.oid) report('must name its curve by an OBJECT IDENTIFIER');
  }),
  keyRule('key-ec-curve', 'BR 6.1.5', 'ec', (der, spki, report) => {
    if (spki.parameters?.tag === derTags.oid && curveOf(der, spki) === undefined) {
      report('must lie on P-256, P-384 or P-521');
    }
  }),
  keyRule('key-ec-uncompressed', 'RFC 5480 2.2', 'ec', (der, spki, report) => {
    const curve = curveOf(der, spki);
    if (curve !== undefined && !isUncompressed(der, spki, curve)) {
      report(`must be an uncompressed point of ${1 + 2 * curve.octets} octets`);
    }
  }),
  keyRule('key-ec-on-curve', 'BR 6.1.6', 'ec', (der, spki, report) => {
    const curve = curveOf(der, spki);
    if (curve === undefined || !isUncompressed(der, spki, curve)) return;
    if (!isOnCurve(curve, der.bytes, spki.keyStart + 1)) report(`is not a point of ${curve.name}`);
  }),
];

export const publicKeyRules: readonly LintRule[] = [
  variableRule('key-syntax', 'RFC 5280 4.1.2.7', pointer, ({ spki }, _context, report) => {
    if (spki === null) report('is not a SubjectPublicKeyInfo');
  }),
  variableRule('key-known', 'RFC 5280 4.1.2.7', pointer, ({ spki }, _context, report) => {
    if (spki !== null && spki.algorithm === undefined) report('is neither RSA nor EC nor Ed25519');
  }),
  variableRule('key-whole-octets', 'RFC 5280 4.1.2.7', pointer, ({ spki }, _context, report) => {
    if (spki !== null && spki.unusedBits !== 0) report('must be whole octets, without unused bits');
  }),
  variableRule('key-is-the-one-asked-for', 'RFC 5280 4.1.2.7', pointer, ({ der, members }, context, report) => {
    if (context.subjectSpki !== undefined && !der.nodeIs(members.spki, context.subjectSpki)) {
      report('is not the key that was asked for');
    }
  }),
  ...rsaRules,
  ...ecRules,
  keyRule('key-ed25519-no-parameters', 'RFC 8410 3', 'ed25519', (_der, { parameters }, report) => {
    if (parameters !== undefined) report('must have no parameters');
  }),
  keyRule('key-ed25519-length', 'RFC 8410 4', 'ed25519', (_der, { keyStart, keyEnd }, report) => {
    if (keyEnd - keyStart !== 32) report('must have 32 octets');
  }),
];
