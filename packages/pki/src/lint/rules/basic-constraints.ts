import { basicConstraintsOf } from '../basic-constraints-view.js';
import { keyUsageOf, usages } from '../key-usage-view.js';
import { fixedRule } from '../rule.js';
import { caKinds, endEntityKinds, type LintRule } from '../types.js';

const pointer = 'extensions.basicConstraints';
const source = 'RFC 5280 4.2.1.9';

export const basicConstraintsRules: readonly LintRule[] = [
  fixedRule('basic-constraints-syntax', source, pointer, (certificate, _context, report) => {
    if (certificate.valueOf('basicConstraints') !== undefined && basicConstraintsOf(certificate) === undefined) {
      report('is not a BasicConstraints');
    }
  }),
  fixedRule('basic-constraints-default', 'X.690 11.5', pointer, (certificate, _context, report) => {
    if (basicConstraintsOf(certificate)?.writtenFalse) report('must leave out cA FALSE, which is the DEFAULT');
  }),
  fixedRule(
    'basic-constraints-ca',
    source,
    pointer,
    (certificate, _context, report) => {
      const extension = certificate.extension('basicConstraints');
      if (extension === undefined) report('must be present in a CA certificate');
      else if (basicConstraintsOf(certificate)?.ca === false) report('must say cA in a CA certificate');
    },
    { appliesTo: caKinds },
  ),
  fixedRule(
    'basic-constraints-no-ca',
    source,
    pointer,
    (certificate, _context, report) => {
      if (basicConstraintsOf(certificate)?.ca) report('must not say cA in a certificate that is not of a CA');
    },
    { appliesTo: endEntityKinds },
  ),
  fixedRule('path-length-of-ca', source, pointer, (certificate, _context, report) => {
    const constraints = basicConstraintsOf(certificate);
    if (constraints?.pathLength === undefined) return;
    const signs = (keyUsageOf(certificate) & usages.keyCertSign) !== 0;
    if (!constraints.ca || !signs) report('must hold pathLenConstraint beside cA and keyCertSign only');
  }),
  fixedRule('path-length-not-negative', source, pointer, (certificate, _context, report) => {
    const pathLength = basicConstraintsOf(certificate)?.pathLength;
    if (pathLength !== undefined && (certificate.der.bytes[pathLength.content] ?? 0x80) > 0x7f) {
      report('must hold a pathLenConstraint that is not negative');
    }
  }),
];
