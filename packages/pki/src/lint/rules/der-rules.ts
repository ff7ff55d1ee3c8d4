import { everyKind, type LintRule } from '../types.js';

/** What the reader itself notes while it takes a certificate apart; each fault bears the name of its rule. */
const faults: readonly (readonly [name: string, source: string])[] = [
  ['der-structure', 'X.690 8.1'],
  ['der-length', 'X.690 10.1'],
  ['der-form', 'X.690 10.2'],
  ['der-boolean', 'X.690 11.1'],
  ['der-integer', 'X.690 8.3.2'],
  ['der-bit-string', 'X.690 11.2.1'],
  ['der-null', 'X.690 8.8.2'],
  ['der-oid', 'X.690 8.19.2'],
  ['der-set-order', 'X.690 11.6'],
  ['der-default', 'X.690 11.5'],
  ['der-utf8-string', 'RFC 3629 3'],
  ['der-printable-string', 'X.680 41.4'],
  ['der-ia5-string', 'X.680 41.2'],
  ['der-other-string', 'X.680 41.2'],
  ['der-utc-time', 'RFC 5280 4.1.2.5.1'],
  ['der-generalized-time', 'RFC 5280 4.1.2.5.2'],
  ['certificate-structure', 'RFC 5280 4.1.1'],
  ['tbs-structure', 'RFC 5280 4.1'],
  ['extension-structure', 'RFC 5280 4.1'],
];

/**
 * The rules of the encoding. Every request changes lengths and strings, so all are variable. A certificate that cannot
 * be taken apart has no view to check: then `lint` reports the reader's faults and nothing else.
 */
export const derRules: readonly LintRule[] = faults.map(([name, source]) => ({
  name,
  source,
  phase: 'variable',
  severity: 'error',
  appliesTo: everyKind,
  pointer: 'tbsCertificate',
  check: (certificate, _context, report) => {
    for (const fault of certificate.der.faults) {
      if (fault.rule === name) report(fault.detail, certificate.pointerAt(fault.at));
    }
  },
}));
