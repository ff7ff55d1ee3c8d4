import { Der, type DerNode, derTags } from '../der.js';
import { oid } from '../object-identifiers.js';
import { fixedRule, variableRule } from '../rule.js';
import { integerBits, type KeyAlgorithm, readRsaKey, readSpki } from '../spki-view.js';
import type { LintContext, LintRule } from '../types.js';

type Family = 'rsa' | 'rsa-pss' | 'ecdsa' | 'ed25519' | 'weak';

interface Algorithm {
  readonly oid: Uint8Array;
  readonly family: Family;
  /** The kind of key that signs so. */
  readonly key: KeyAlgorithm;
  /** The one curve that goes with the hash. */
  readonly curve?: Uint8Array;
}

const algorithms: readonly Algorithm[] = [
  { oid: oid('2a8648ce3d040302'), family: 'ecdsa', key: 'ec', curve: oid('2a8648ce3d030107') },
  { oid: oid('2a8648ce3d040303'), family: 'ecdsa', key: 'ec', curve: oid('2b81040022') },
  { oid: oid('2a8648ce3d040304'), family: 'ecdsa', key: 'ec', curve: oid('2b81040023') },
  { oid: oid('2a864886f70d01010b'), family: 'rsa', key: 'rsa' },
  { oid: oid('2a864886f70d01010c'), family: 'rsa', key: 'rsa' },
  { oid: oid('2a864886f70d01010d'), family: 'rsa', key: 'rsa' },
  { oid: oid('2a864886f70d01010a'), family: 'rsa-pss', key: 'rsa' },
  { oid: oid('2b6570'), family: 'ed25519', key: 'ed25519' },
  // MD5 and SHA-1.
  { oid: oid('2a864886f70d010104'), family: 'weak', key: 'rsa' },
  { oid: oid('2a864886f70d010105'), family: 'weak', key: 'rsa' },
  { oid: oid('2a8648ce3d0401'), family: 'weak', key: 'ec' },
];

/** RSASSA-PSS-params of SHA-256, -384 and -512: one hash throughout, a salt as long as it (BR 7.1.3.2.1). */
const pssParameters = ['01', '02', '03'].map((hash, index) => {
  const sha = `300d060960864801650304020${hash.slice(1)}0500`;
  const salt = ['20', '30', '40'][index];
  return oid(`3034a00f${sha}a11c301a06092a864886f70d010108${sha}a2030201${salt}`);
});

const nullParameters = oid('0500');

interface Identifier {
  readonly algorithm: Algorithm | undefined;
  readonly parameters: DerNode | undefined;
}

/** `undefined` when it is no AlgorithmIdentifier. */
function readIdentifier(der: Der, node: DerNode): Identifier | undefined {
  const type = der.node(node.content, node.end);
  if (type?.tag !== derTags.oid) return undefined;
  const parameters = der.node(type.end, node.end);
  if (parameters !== undefined && parameters.end !== node.end) return undefined;
  return { algorithm: algorithms.find(({ oid: octets }) => der.contentIs(type, octets)), parameters };
}

/** A rule about the parameters of one family. */
function parametersRule(
  name: string,
  source: string,
  family: Family,
  holds: (der: Der, parameters: DerNode | undefined) => boolean,
  detail: string,
): LintRule {
  return fixedRule(name, source, 'signature', ({ der, members }, _context, report) => {
    const identifier = readIdentifier(der, members.signature);
    if (identifier?.algorithm?.family === family && !holds(der, identifier.parameters)) report(detail);
  });
}

const isAbsent = (_der: Der, parameters: DerNode | undefined) => parameters === undefined;

const tbsRules: readonly LintRule[] = [
  fixedRule('signature-syntax', 'RFC 5280 4.1.1.2', 'signature', ({ der, members }, _context, report) => {
    if (readIdentifier(der, members.signature) === undefined) report('is not an AlgorithmIdentifier');
  }),
  fixedRule('signature-known', 'RFC 5280 4.1.2.3', 'signature', ({ der, members }, _context, report) => {
    const identifier = readIdentifier(der, members.signature);
    if (identifier !== undefined && identifier.algorithm === undefined) {
      report('is not RSA (PKCS#1 v1.5 or PSS) or ECDSA with SHA-256, -384 or -512, nor Ed25519');
    }
  }),
  fixedRule('signature-hash-strong', 'BR 7.1.3.2', 'signature', ({ der, members }, _context, report) => {
    if (readIdentifier(der, members.signature)?.algorithm?.family === 'weak') report('must not use MD5 or SHA-1');
  }),
  parametersRule(
    'signature-rsa-null',
    'RFC 4055 5',
    'rsa',
    (der, parameters) => parameters !== undefined && der.nodeIs(parameters, nullParameters),
    'must have NULL as parameters',
  ),
  parametersRule(
    'signature-rsa-pss-parameters',
    'RFC 4055 3.1',
    'rsa-pss',
    (der, parameters) => parameters !== undefined && pssParameters.some((octets) => der.nodeIs(parameters, octets)),
    'must have one hash throughout and a salt as long as it',
  ),
  parametersRule('signature-ecdsa-no-parameters', 'RFC 5758 3.2', 'ecdsa', isAbsent, 'must have no parameters'),
  parametersRule('signature-ed25519-no-parameters', 'RFC 8410 3', 'ed25519', isAbsent, 'must have no parameters'),
  fixedRule('signature-fits-issuer-key', 'RFC 5280 4.1.1.3', 'signature', ({ der, members }, { issuer }, report) => {
    const key = readIdentifier(der, members.signature)?.algorithm?.key;
    const issuerKey = issuerKeyOf(issuer)?.algorithm;
    if (key !== undefined && issuerKey !== undefined && key !== issuerKey) {
      report(`is not made by the CA's key, which is ${issuerKey}`);
    }
  }),
  fixedRule('signature-hash-fits-curve', 'BR 7.1.3.2.2', 'signature', ({ der, members }, { issuer }, report) => {
    const hashCurve = readIdentifier(der, members.signature)?.algorithm?.curve;
    const curve = issuerKeyOf(issuer)?.curve;
    if (hashCurve !== undefined && curve !== undefined && Buffer.compare(hashCurve, curve) !== 0) {
      report("has a hash of another size than the curve of the CA's key");
    }
  }),
];

interface IssuerKey {
  readonly algorithm: KeyAlgorithm;
  /** The content of the OBJECT IDENTIFIER of its curve. */
  readonly curve: Uint8Array | undefined;
  /** Octets of an RSA signature by it; 0 for other keys. */
  readonly modulusOctets: number;
}

/** The CA's key, if the context tells it. */
function issuerKeyOf(issuer: LintContext['issuer']): IssuerKey | undefined {
  if (issuer?.spki === undefined) return undefined;
  const der = new Der(issuer.spki);
  const node = der.check(0, issuer.spki.length) ? der.node(0, issuer.spki.length) : undefined;
  const spki = node && readSpki(der, node);
  if (spki?.algorithm === undefined) return undefined;
  const rsa = spki.algorithm === 'rsa' ? readRsaKey(der, spki) : undefined;
  const isNamed = spki.algorithm === 'ec' && spki.parameters?.tag === derTags.oid;
  return {
    algorithm: spki.algorithm,
    curve: isNamed ? issuer.spki.subarray(spki.parameters.content, spki.parameters.end) : undefined,
    modulusOctets: rsa === undefined ? 0 : Math.ceil(integerBits(der, rsa.modulus) / 8),
  };
}

/** Most octets of r and s: those of the order of P-521. */
const ecdsaNumberOctetsMax = 66;

/** Ecdsa-Sig-Value: two positive INTEGERs in DER, nothing more (RFC 3279 2.2.3). */
function isEcdsaSignature(bytes: Uint8Array): boolean {
  const der = new Der(bytes);
  if (!der.check(0, bytes.length) || der.faults.length > 0) return false;
  const [r, s, more] = der.sequence(der.node(0, bytes.length)) ?? [];
  const isNumber = (node: DerNode | undefined) =>
    node?.tag === derTags.integer &&
    (bytes[node.content] ?? 0x80) < 0x80 &&
    integerBits(der, node) > 0 &&
    node.end - node.content <= ecdsaNumberOctetsMax;
  return isNumber(r) && isNumber(s) && more === undefined;
}

/** Why these octets cannot be a signature by that algorithm, or `undefined`. */
function signatureFault(algorithm: Algorithm, octets: Uint8Array, context: LintContext): string | undefined {
  if (algorithm.key === 'ed25519') return octets.length === 64 ? undefined : 'must have 64 octets';
  if (algorithm.key === 'ec') return isEcdsaSignature(octets) ? undefined : 'must be the DER of two positive INTEGERs';
  const expected = issuerKeyOf(context.issuer)?.modulusOctets ?? 0;
  if (expected > 0) return octets.length === expected ? undefined : `must have ${expected} octets, as the modulus`;
  return octets.length >= 256 ? undefined : 'must have at least 256 octets, as a modulus of 2048 bits';
}

/** What only a signed certificate shows. */
const signedRules: readonly LintRule[] = [
  variableRule('signature-algorithms-equal', 'RFC 5280 4.1.1.2', 'signatureAlgorithm', (certificate, _c, report) => {
    const { der, members, signed } = certificate;
    if (signed === undefined) return;
    const inner = der.bytes.subarray(members.signature.start, members.signature.end);
    if (!der.nodeIs(signed.algorithm, inner)) report('must be the octets of `signature` in the TBSCertificate');
  }),
  variableRule('signature-value-bits', 'RFC 5280 4.1.1.3', 'signatureValue', ({ der, signed }, _context, report) => {
    if (signed === undefined) return;
    if (signed.value.end - signed.value.content < 2) report('must not be empty');
    else if (der.bytes[signed.value.content] !== 0) report('must be whole octets, without unused bits');
  }),
  variableRule('signature-value-form', 'RFC 3279 2.2', 'signatureValue', (certificate, context, report) => {
    const { der, members, signed } = certificate;
    const algorithm = signed && readIdentifier(der, members.signature)?.algorithm;
    // An empty one, or one with unused bits, is the rule's above.
    if (!algorithm || signed.value.end - signed.value.content < 2 || der.bytes[signed.value.content] !== 0) return;
    const octets = der.bytes.subarray(signed.value.content + 1, signed.value.end);
    const fault = signatureFault(algorithm, octets, context);
    if (fault !== undefined) report(fault);
  }),
];

export const signatureAlgorithmRules: readonly LintRule[] = [...tbsRules, ...signedRules];
