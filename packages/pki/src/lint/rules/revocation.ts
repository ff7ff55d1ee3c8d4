import { oid } from '../object-identifiers.js';
import { fixedRule } from '../rule.js';
import { caKinds, type LintRule } from '../types.js';
import { hasOcspPointer } from './distribution.js';

const nullValue = oid('0500');
const pointer = 'extensions.noRevAvail';

export const revocationRules: readonly LintRule[] = [
  fixedRule('no-rev-avail-null', 'RFC 9608 2', pointer, (certificate, _context, report) => {
    const value = certificate.valueOf('noRevAvail');
    if (value !== undefined && !certificate.der.nodeIs(value, nullValue)) report('must be NULL');
  }),
  fixedRule(
    'no-rev-avail-not-in-ca',
    'RFC 9608 3',
    pointer,
    (certificate, _context, report) => {
      if (certificate.extension('noRevAvail') !== undefined) report('must not stand in a CA certificate');
    },
    { appliesTo: caKinds },
  ),
  fixedRule('no-rev-avail-without-crl', 'RFC 9608 3', pointer, (certificate, _context, report) => {
    if (certificate.extension('noRevAvail') === undefined) return;
    if (certificate.extension('crlDistributionPoints') !== undefined) report('contradicts crlDistributionPoints');
    if (certificate.extension('freshestCrl') !== undefined) report('contradicts freshestCrl');
  }),
  fixedRule('no-rev-avail-without-ocsp', 'RFC 9608 3', pointer, (certificate, _context, report) => {
    if (certificate.extension('noRevAvail') !== undefined && hasOcspPointer(certificate)) {
      report('contradicts the OCSP responder of authorityInfoAccess');
    }
  }),
  fixedRule('ocsp-no-check-null', 'RFC 6960 4.2.2.2.1', 'extensions.ocspNoCheck', (certificate, _context, report) => {
    const value = certificate.valueOf('ocspNoCheck');
    if (value !== undefined && !certificate.der.nodeIs(value, nullValue)) report('must be NULL');
  }),
  fixedRule(
    'ocsp-no-check-of-signer',
    'RFC 6960 4.2.2.2.1',
    'extensions.ocspNoCheck',
    (certificate, _context, report) => {
      if (certificate.extension('ocspNoCheck') !== undefined) {
        report('must stand in certificates of OCSP signers only');
      }
    },
    { appliesTo: ['subscriber', 'subordinate-ca', 'root'] },
  ),
];
