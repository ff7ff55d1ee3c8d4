import type { CertificateView } from '../certificate-view.js';
import { type DerNode, derTags } from '../der.js';
import { keyUsageOf, usages } from '../key-usage-view.js';
import { dottedOid, oid } from '../object-identifiers.js';
import { fixedRule } from '../rule.js';
import { caKinds, endEntityKinds, type LintRule } from '../types.js';

const pointer = 'extensions.extendedKeyUsage';
const source = 'RFC 5280 4.2.1.12';

const anyPurpose = oid('551d2500');
const timeStamping = oid('2b06010505070308');
export const ocspSigning = oid('2b06010505070309');

const { digitalSignature, nonRepudiation, keyEncipherment, keyAgreement } = usages;

/** Key usages of which one at least must be allowed for a purpose to mean anything. */
const consistent: readonly (readonly [Uint8Array, number])[] = [
  [oid('2b06010505070301'), digitalSignature | keyEncipherment | keyAgreement],
  [oid('2b06010505070302'), digitalSignature | keyAgreement],
  [oid('2b06010505070303'), digitalSignature],
  [oid('2b06010505070304'), digitalSignature | nonRepudiation | keyEncipherment | keyAgreement],
  [timeStamping, digitalSignature | nonRepudiation],
  [ocspSigning, digitalSignature | nonRepudiation],
];

/** The purposes; `undefined` when the extension is absent or no SEQUENCE of OBJECT IDENTIFIERs. */
export function purposesOf(certificate: CertificateView): DerNode[] | undefined {
  const purposes = certificate.der.sequence(certificate.valueOf('extendedKeyUsage'));
  return purposes?.every(({ tag }) => tag === derTags.oid) ? purposes : undefined;
}

function has({ der }: CertificateView, purposes: readonly DerNode[], octets: Uint8Array): boolean {
  return purposes.some((purpose) => der.contentIs(purpose, octets));
}

/** A rule that sees the purposes of a certificate that has some. */
function purposeRule(
  name: string,
  ruleSource: string,
  fault: (purposes: readonly DerNode[], certificate: CertificateView) => string | undefined,
  appliesTo?: LintRule['appliesTo'],
): LintRule {
  return fixedRule(
    name,
    ruleSource,
    pointer,
    (certificate, _context, report) => {
      const purposes = purposesOf(certificate);
      const detail = purposes && fault(purposes, certificate);
      if (detail !== undefined) report(detail);
    },
    appliesTo === undefined ? {} : { appliesTo },
  );
}

export const extendedKeyUsageRules: readonly LintRule[] = [
  fixedRule('extended-key-usage-syntax', source, pointer, (certificate, _context, report) => {
    if (certificate.valueOf('extendedKeyUsage') !== undefined && purposesOf(certificate) === undefined) {
      report('is not a SEQUENCE of OBJECT IDENTIFIERs');
    }
  }),
  purposeRule('extended-key-usage-not-empty', source, ({ length }) =>
    length === 0 ? 'must hold one purpose at least' : undefined,
  ),
  purposeRule('extended-key-usage-not-any', 'MRSP 5.2', (purposes, certificate) =>
    has(certificate, purposes, anyPurpose) ? 'must not hold anyExtendedKeyUsage' : undefined,
  ),
  purposeRule('extended-key-usage-once', source, (purposes, { der }) => {
    const repeated = purposes.find((purpose, index) =>
      purposes.slice(0, index).some((one) => der.contentIs(one, der.bytes.subarray(purpose.content, purpose.end))),
    );
    return repeated && `holds ${dottedOid(der.bytes, repeated.content, repeated.end)} twice`;
  }),
  purposeRule(
    'extended-key-usage-no-ocsp-in-ca',
    'BR 7.1.2.10.6',
    (purposes, certificate) =>
      has(certificate, purposes, ocspSigning) ? 'must not hold OCSPSigning in a CA certificate' : undefined,
    caKinds,
  ),
  purposeRule(
    'extended-key-usage-no-ocsp-in-subscriber',
    'BR 7.1.2.7.10',
    (purposes, certificate) =>
      has(certificate, purposes, ocspSigning)
        ? 'must not hold OCSPSigning: its holder could answer for the CA'
        : undefined,
    ['subscriber'],
  ),
  purposeRule(
    'extended-key-usage-time-stamping',
    'RFC 3161 2.3',
    (purposes, certificate) => {
      if (!has(certificate, purposes, timeStamping)) return undefined;
      const isAlone = purposes.length === 1 && certificate.extension('extendedKeyUsage')?.critical === true;
      return isAlone ? undefined : 'must hold timeStamping alone, and be critical';
    },
    endEntityKinds,
  ),
  purposeRule(
    'extended-key-usage-fits-key-usage',
    source,
    (purposes, certificate) => {
      const bits = keyUsageOf(certificate);
      if (bits <= 0) return undefined;
      const lame = consistent.find(([octets, needed]) => (bits & needed) === 0 && has(certificate, purposes, octets));
      return lame && `holds ${dottedOid(lame[0], 0, lame[0].length)}, which keyUsage does not let the key serve`;
    },
    endEntityKinds,
  ),
];
