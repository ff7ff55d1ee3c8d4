import { derTags } from '../der.js';
import { variableRule } from '../rule.js';
import type { LintRule } from '../types.js';

const firstOf2050Ms = Date.UTC(2050, 0, 1);
const daySeconds = 86_400;

/** How long before the signature notBefore may lie: BR 7.1.2.7 and 7.1.2.8.1. */
const backdatingSecondsMax = { 'ocsp-signer': daySeconds, subscriber: 2 * daySeconds } as const;

export const validityRules: readonly LintRule[] = [
  variableRule('validity-utc-until-2049', 'RFC 5280 4.1.2.5', 'validity', (certificate, _context, report) => {
    const { notBeforeMs, notAfterMs, members } = certificate;
    const detail = 'must be a UTCTime until 2049, a GeneralizedTime from 2050';
    if (notBeforeMs < firstOf2050Ms !== (members.notBefore.tag === derTags.utcTime)) {
      if (!Number.isNaN(notBeforeMs)) report(detail, 'validity.notBefore');
    }
    if (notAfterMs < firstOf2050Ms !== (members.notAfter.tag === derTags.utcTime)) {
      if (!Number.isNaN(notAfterMs)) report(detail, 'validity.notAfter');
    }
  }),
  variableRule('validity-order', 'RFC 5280 4.1.2.5', 'validity', ({ notBeforeMs, notAfterMs }, _context, report) => {
    if (notBeforeMs > notAfterMs) report('must not end before it begins');
  }),
  variableRule(
    'validity-within-issuer',
    'RFC 5280 6.1.3',
    'validity.notAfter',
    ({ notAfterMs }, { issuer }, report) => {
      if (issuer?.notAfter !== undefined && notAfterMs > issuer.notAfter.getTime()) {
        report('must not lie after the notAfter of the CA');
      }
    },
  ),
  variableRule(
    'validity-begins-with-issuer',
    'RFC 5280 6.1.3',
    'validity.notBefore',
    ({ notBeforeMs }, { issuer }, report) => {
      if (issuer?.notBefore !== undefined && notBeforeMs < issuer.notBefore.getTime()) {
        report('lies before the notBefore of the CA');
      }
    },
    { severity: 'warning' },
  ),
  // Both ends are inside: a certificate of 90 days ends one second before 90 days have passed.
  variableRule(
    'validity-period-max',
    'RFC 5280 4.1.2.5',
    'validity',
    ({ notBeforeMs, notAfterMs }, { validitySecondsMax }, report) => {
      const seconds = (notAfterMs - notBeforeMs) / 1000 + 1;
      if (validitySecondsMax !== undefined && seconds > validitySecondsMax) {
        report(`lasts ${seconds} seconds, both ends inside; ${validitySecondsMax} are allowed`);
      }
    },
  ),
  variableRule(
    'validity-not-in-future',
    'BR 7.1.2.7',
    'validity.notBefore',
    ({ notBeforeMs }, { signingTime, aheadSecondsMax = 0 }, report) => {
      if (signingTime !== undefined && notBeforeMs > signingTime.getTime() + aheadSecondsMax * 1000) {
        report(
          `must not lie after the signature${aheadSecondsMax === 0 ? '' : ` by more than ${aheadSecondsMax} seconds`}`,
        );
      }
    },
  ),
  variableRule(
    'validity-backdating',
    'BR 7.1.2.8.1',
    'validity.notBefore',
    ({ notBeforeMs }, { signingTime, kind }, report) => {
      if (signingTime === undefined || (kind !== 'subscriber' && kind !== 'ocsp-signer')) return;
      const secondsMax = backdatingSecondsMax[kind];
      if (signingTime.getTime() - notBeforeMs > secondsMax * 1000) {
        report(`must lie at most ${secondsMax} seconds before the signature`);
      }
    },
    { appliesTo: ['subscriber', 'ocsp-signer'] },
  ),
];
