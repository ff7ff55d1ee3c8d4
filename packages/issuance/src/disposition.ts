import type { Code } from '@sluice/errors';

/** What a failure means for the work and for whoever met it (DESIGN section 5). */
export const dispositions = [
  'administrative',
  'request',
  'held',
  'key-missing',
  'token',
  'infrastructure',
  'shutdown',
  'lease-lost',
  'unknown',
] as const;
export type Disposition = (typeof dispositions)[number];

export interface DispositionFacts {
  /** `never`: the request ends. `held`: waits for a person. `again`: queued again, within `attemptsMax` if given. */
  readonly again: 'never' | 'held' | 'again';
  /** What steps back after it. `none` for everything that is nobody's hardware. No signer-wide back-off exists. */
  readonly backOff: 'none' | 'ca-on-token' | 'token-on-signer' | 'dependency' | 'ca-on-signer';
  readonly attemptsMax?: number;
}

export const dispositionFacts: Readonly<Record<Disposition, DispositionFacts>> = {
  administrative: { again: 'never', backOff: 'none' },
  request: { again: 'never', backOff: 'none' },
  held: { again: 'held', backOff: 'none' },
  'key-missing': { again: 'held', backOff: 'ca-on-token' },
  token: { again: 'again', backOff: 'token-on-signer' },
  infrastructure: { again: 'again', backOff: 'dependency' },
  shutdown: { again: 'again', backOff: 'none' },
  'lease-lost': { again: 'again', backOff: 'none', attemptsMax: 3 },
  unknown: { again: 'again', backOff: 'ca-on-signer', attemptsMax: 3 },
};

/** At most this many serials are burned for one request. */
export const burnedSerialsMax = 5;

const byCode: Partial<Record<Code, Disposition>> = {
  'profile-unknown': 'administrative',
  'profile-disabled': 'administrative',
  'account-disabled': 'administrative',
  'ca-unknown': 'administrative',
  'ca-pending': 'administrative',
  'ca-disabled': 'administrative',
  'ca-retiring': 'administrative',
  'ca-destroying': 'administrative',
  'ca-destroyed': 'administrative',
  'ca-expiring': 'administrative',
  'key-blocked': 'administrative',
  'not-permitted': 'administrative',
  forbidden: 'administrative',
  'csr-invalid': 'request',
  'key-weak': 'request',
  'subject-invalid': 'request',
  'validity-invalid': 'request',
  'lint-failed': 'request',
  'body-invalid': 'request',
  'key-missing': 'key-missing',
  'token-failed': 'token',
  unavailable: 'infrastructure',
  'outcome-unknown': 'infrastructure',
  'stale-snapshot': 'infrastructure',
  'clock-skewed': 'infrastructure',
  draining: 'shutdown',
  'lease-lost': 'lease-lost',
};

/** The one function that reads the table. */
export function dispositionOf(code: Code): Disposition {
  return byCode[code] ?? 'unknown';
}
