import type { CaState } from '@sluice/issuance';
import type { ProfileDocument, Template } from '@sluice/pki';
import type { BlockedKeys } from '@sluice/registry-protocol';
import type { LintPlan } from './lint-plan.js';

/** A profile revision that this signer can fill. */
export interface ReadyProfile {
  readonly profile: string;
  readonly revision: number;
  readonly ca: string;
  readonly document: ProfileDocument;
  readonly template: Template;
  /** What its certificates are compared with before they are signed. */
  readonly lintPlan: LintPlan;
}

/** What signing has to know of a CA of this signer's key group. */
export interface SigningCa {
  readonly name: string;
  readonly state: CaState;
  readonly issuer: string;
  readonly keyAlgorithm: string;
  /** SubjectPublicKeyInfo, DER: what the token's key must equal. Absent until the key is generated. */
  readonly spki?: Uint8Array | undefined;
  /** Checks a signature over a TBS with this CA's public key (T11). Absent as `spki` is. */
  readonly verify?: ((tbs: Uint8Array, signature: Uint8Array) => boolean) | undefined;
  /** Null until it is certified: a root's own certificate ends when its profile says. */
  readonly notAfter: Date | null;
  /** pathLenConstraint of its own certificate; undefined when that sets no bound, or there is none yet. */
  readonly pathLength: number | undefined;
}

export interface SigningAccount {
  readonly enabled: boolean;
  readonly profiles: ReadonlySet<string>;
}

/** One snapshot, made ready for step 7: everything is looked up, nothing is parsed there. */
export interface SigningRules {
  readonly epoch: bigint;
  readonly cas: ReadonlyMap<string, SigningCa>;
  /** SubjectPublicKeyInfo, DER, by CA name: of every key group, since a CA may be certified by one of another. */
  readonly caKeys: ReadonlyMap<string, Uint8Array>;
  readonly accounts: ReadonlyMap<string, SigningAccount>;
  /** Current standing of each profile in the snapshot. */
  readonly profiles: ReadonlyMap<string, { readonly enabled: boolean; readonly ca: string }>;
  /** `publicKeyHash` of each key that nobody may be certified for. */
  readonly blockedKeys: BlockedKeys;
  /** The revision that the claim names; kept for a while after it was replaced. */
  ready(profile: string, revision: number): ReadyProfile | undefined;
}
