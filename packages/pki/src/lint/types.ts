import type { CertificateView } from './certificate-view.js';

/** What a certificate is for; which rules it has to keep. */
export type LintKind = 'subscriber' | 'ocsp-signer' | 'subordinate-ca' | 'root';

/** What is known of a certificate from elsewhere. What is absent here is not compared. */
export interface LintContext {
  readonly kind: LintKind;
  /** The CA that signs, by its own certificate. For a root: itself. */
  readonly issuer?: {
    /** DER Name. */
    readonly subjectDer: Uint8Array;
    /** Content of its subjectKeyIdentifier. */
    readonly ski: Uint8Array;
    /** SubjectPublicKeyInfo, DER: which signature algorithms are possible. */
    readonly spki?: Uint8Array;
    readonly notBefore?: Date;
    readonly notAfter?: Date;
  };
  /** SubjectPublicKeyInfo that was asked for, DER. */
  readonly subjectSpki?: Uint8Array;
  /** Longest period that the profile allows, in seconds, both ends inside. */
  readonly validitySecondsMax?: number;
  /** When it is signed: notBefore must not lie long before it, nor after it by more than `aheadSecondsMax`. */
  readonly signingTime?: Date;
  /** How far ahead the profile lets notBefore be asked for; 0 when absent. */
  readonly aheadSecondsMax?: number;
}

export type LintSeverity = 'error' | 'warning';

/** One breach of one rule at one place. */
export interface LintFinding {
  /** Name of the rule, stable. */
  readonly rule: string;
  /** Document and section that make the rule: "RFC 5280 4.1.2.5". */
  readonly source: string;
  readonly severity: LintSeverity;
  /** Path within the certificate: "extensions.keyUsage", "subject.countryName". */
  readonly pointer?: string;
  readonly detail: string;
}

/** Tells a breach. `pointer` replaces the rule's own. */
export type Report = (detail: string, pointer?: string) => void;

export interface LintRule {
  readonly name: string;
  readonly source: string;
  /** `fixed`: depends on profile and CA alone. `variable`: on the request. */
  readonly phase: 'fixed' | 'variable';
  readonly severity: LintSeverity;
  readonly appliesTo: readonly LintKind[];
  /** Where a breach lies unless the check says otherwise. */
  readonly pointer: string;
  /** Never throws on a view that is sound; reports nothing about members that it cannot read: another rule does. */
  readonly check: (certificate: CertificateView, context: LintContext, report: Report) => void;
}

export const everyKind: readonly LintKind[] = ['subscriber', 'ocsp-signer', 'subordinate-ca', 'root'];
export const caKinds: readonly LintKind[] = ['subordinate-ca', 'root'];
export const endEntityKinds: readonly LintKind[] = ['subscriber', 'ocsp-signer'];
