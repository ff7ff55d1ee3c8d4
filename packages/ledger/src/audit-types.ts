/** What must hold between any two commits, in the order in which it is shown. */
export const auditInvariants = {
  accounted: 'every accepted request is in one place: open, on the shelf or ended',
  known: 'nothing is open, shelved, ended, numbered or certified that was not accepted',
  'as-accepted': 'open and shelved rows say what the accepted request says',
  fingerprint: 'what is open without a key can be joined; what has ended cannot',
  intended: 'work being signed has its intended serial, and every intended serial its work',
  lease: 'no claim is past its lease for longer than the sweep needs',
  'one-certificate': 'each certificate belongs to a serial of its own, issued or burned',
  issued: 'an issued end hands out one certificate with the issued serial, and no other serial is issued',
  withheld: 'an end without a certificate says `withheld` exactly when a serial was burned for it',
  revoked: 'every burned serial is revoked',
  sealed:
    'what subscribers are told of the registry is what its rows say, and the digest of the newest version covers it',
  permitted: 'the CA permitted each claim in the state it had at the epoch of the claim',
} as const;
export type AuditInvariant = keyof typeof auditInvariants;

export interface AuditFinding {
  readonly invariant: AuditInvariant;
  /** Rows looked at. */
  readonly checked: number;
  /** Of these, rows for which it does not hold. */
  readonly found: number;
  /** The first 20 of them, by name. */
  readonly rows: readonly string[];
}

export interface AuditStep {
  /** False: another signer is at it. */
  readonly audited: boolean;
  /** Milliseconds by which the audit of what came lately lags; 0 once it has caught up. */
  readonly behindMs: number;
  readonly findings: readonly AuditFinding[];
}

export interface AuditScope {
  /** The oldest request there is. */
  readonly oldest: string | undefined;
  readonly requestsEstimated: number;
}
