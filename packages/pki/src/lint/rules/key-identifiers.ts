import { hash } from 'node:crypto';
import { type Der, type DerNode, derTags } from '../der.js';
import { fixedRule, variableRule } from '../rule.js';
import { caKinds, endEntityKinds, type LintRule } from '../types.js';

const [keyIdTag, issuerTag, serialTag] = [0x80, 0xa1, 0x82];
const octetsMax = 32;

interface AuthorityKeyId {
  readonly keyId: DerNode | undefined;
  readonly others: boolean;
}

function readAuthorityKeyId(der: Der, value: DerNode | undefined): AuthorityKeyId | undefined {
  const parts = der.sequence(value);
  let previous = 0;
  for (const { tag } of parts ?? []) {
    if ((tag !== keyIdTag && tag !== issuerTag && tag !== serialTag) || (tag & 0x1f) < previous) return undefined;
    previous = (tag & 0x1f) + 1;
  }
  if (parts === undefined) return undefined;
  const [first] = parts;
  return { keyId: first?.tag === keyIdTag ? first : undefined, others: parts.some(({ tag }) => tag !== keyIdTag) };
}

/** Content of the SKI; `undefined` when absent or not an OCTET STRING. */
function subjectKeyId(value: DerNode | undefined): DerNode | undefined {
  return value?.tag === derTags.octetString ? value : undefined;
}

const authorityPointer = 'extensions.authorityKeyIdentifier';
const subjectPointer = 'extensions.subjectKeyIdentifier';

const authorityRules: readonly LintRule[] = [
  fixedRule('authority-key-id-syntax', 'RFC 5280 4.2.1.1', authorityPointer, (certificate, _context, report) => {
    const value = certificate.valueOf('authorityKeyIdentifier');
    if (value !== undefined && readAuthorityKeyId(certificate.der, value) === undefined) {
      report('is not an AuthorityKeyIdentifier');
    }
  }),
  fixedRule(
    'authority-key-id-present',
    'RFC 5280 4.2.1.1',
    authorityPointer,
    (certificate, _context, report) => {
      const extension = certificate.extension('authorityKeyIdentifier');
      if (extension === undefined) report('must be present in a certificate that another key signs');
      else if (readAuthorityKeyId(certificate.der, extension.value)?.keyId === undefined) {
        // Not readable at all: the rule above.
        if (readAuthorityKeyId(certificate.der, extension.value) !== undefined) report('must hold a keyIdentifier');
      }
    },
    { appliesTo: ['subscriber', 'ocsp-signer', 'subordinate-ca'] },
  ),
  fixedRule('authority-key-id-only', 'BR 7.1.2.11.1', authorityPointer, (certificate, _context, report) => {
    if (readAuthorityKeyId(certificate.der, certificate.valueOf('authorityKeyIdentifier'))?.others) {
      report("must not hold the CA's issuer and serial number");
    }
  }),
  fixedRule('authority-key-id-is-the-ca', 'RFC 5280 4.2.1.1', authorityPointer, (certificate, { issuer }, report) => {
    const { der } = certificate;
    const keyId = readAuthorityKeyId(der, certificate.valueOf('authorityKeyIdentifier'))?.keyId;
    if (keyId !== undefined && issuer !== undefined && !der.contentIs(keyId, issuer.ski)) {
      report("must be the CA's subjectKeyIdentifier");
    }
  }),
  variableRule(
    'root-key-ids-equal',
    'RFC 5280 4.2.1.1',
    authorityPointer,
    (certificate, _context, report) => {
      const { der } = certificate;
      const keyId = readAuthorityKeyId(der, certificate.valueOf('authorityKeyIdentifier'))?.keyId;
      const own = subjectKeyId(certificate.valueOf('subjectKeyIdentifier'));
      if (keyId === undefined || own === undefined) return;
      if (!der.contentIs(keyId, der.bytes.subarray(own.content, own.end))) {
        report('must be the subjectKeyIdentifier in a certificate signed by its own key');
      }
    },
    { appliesTo: ['root'] },
  ),
];

/** RFC 5280 4.2.1.2 methods 1 and 2, RFC 7093 2 methods 1 to 3 over the key's bits; the one made here comes first. */
function isDerived(keyId: Uint8Array, bits: Uint8Array): boolean {
  const left = (algorithm: string) => hash(algorithm, bits, 'buffer').subarray(0, 20);
  if (keyId.length === 20) {
    return ['sha256', 'sha1', 'sha384', 'sha512'].some((algorithm) => left(algorithm).equals(keyId));
  }
  if (keyId.length !== 8) return false;
  const short = Buffer.from(left('sha1').subarray(12));
  short[0] = 0x40 | ((short[0] ?? 0) & 0x0f);
  return short.equals(keyId);
}

/** RFC 7093 2 method 4: a hash of the whole SubjectPublicKeyInfo. */
function isHashOfInfo(keyId: Uint8Array, spki: Uint8Array): boolean {
  return ['sha256', 'sha1'].some((algorithm) => hash(algorithm, spki, 'buffer').equals(keyId));
}

const subjectRules: readonly LintRule[] = [
  fixedRule('subject-key-id-syntax', 'RFC 5280 4.2.1.2', subjectPointer, (certificate, _context, report) => {
    const value = certificate.valueOf('subjectKeyIdentifier');
    if (value !== undefined && subjectKeyId(value) === undefined) report('is not an OCTET STRING');
  }),
  fixedRule(
    'subject-key-id-present',
    'RFC 5280 4.2.1.2',
    subjectPointer,
    (certificate, _context, report) => {
      if (certificate.extension('subjectKeyIdentifier') === undefined) report('must be present in a CA certificate');
    },
    { appliesTo: caKinds },
  ),
  fixedRule(
    'subject-key-id-recommended',
    'RFC 5280 4.2.1.2',
    subjectPointer,
    (certificate, _context, report) => {
      if (certificate.extension('subjectKeyIdentifier') === undefined) report('should be present');
    },
    { appliesTo: endEntityKinds, severity: 'warning' },
  ),
  fixedRule('subject-key-id-length', 'RFC 7093 2', subjectPointer, (certificate, _context, report) => {
    const keyId = subjectKeyId(certificate.valueOf('subjectKeyIdentifier'));
    const octets = keyId === undefined ? 1 : keyId.end - keyId.content;
    if (octets < 1 || octets > octetsMax) report(`must have 1 to ${octetsMax} octets`);
  }),
  variableRule(
    'subject-key-id-of-the-key',
    'RFC 7093 2',
    subjectPointer,
    (certificate, _context, report) => {
      const { der, spki, members } = certificate;
      const keyId = subjectKeyId(certificate.valueOf('subjectKeyIdentifier'));
      if (
        keyId === undefined ||
        spki === null ||
        keyId.end - keyId.content > octetsMax ||
        keyId.end === keyId.content
      ) {
        return;
      }
      const octets = der.bytes.subarray(keyId.content, keyId.end);
      if (isDerived(octets, der.bytes.subarray(spki.keyStart, spki.keyEnd))) return;
      if (!isHashOfInfo(octets, der.bytes.subarray(members.spki.start, members.spki.end))) {
        report('is made from the key by none of the known methods');
      }
    },
    { severity: 'warning' },
  ),
];

export const keyIdentifierRules: readonly LintRule[] = [...authorityRules, ...subjectRules];
