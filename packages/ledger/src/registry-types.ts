import type { AccountLimit, AccountLimits, CaState, Purpose } from '@sluice/issuance';
import type { AuditFinding, AuditScope } from './audit-types.js';
import type { OperatorRole } from './operator-roles.js';
import type { QueueStore } from './queue-types.js';
import type { BulkStore } from './receipt-types.js';
import type { Decided, SubscriberStore } from './subscriber-types.js';
import type { Caller, RequestHistory } from './types.js';

export interface CaRow {
  readonly name: string;
  readonly keyGroup: string;
  readonly state: CaState;
  /** Its work is held, whatever the token. */
  readonly quarantined: boolean;
  /** Tokens on which its key is missing, in order of their octets. */
  readonly quarantinedTokens: readonly string[];
  readonly keyAlgorithm: string;
  /** Canonical JSON of the subject, as the operator gave it. */
  readonly subject: string;
  readonly subjectDer: Uint8Array;
  readonly spki: Uint8Array | null;
  readonly certificate: Uint8Array | null;
  /** Itself for a root. */
  readonly issuer: string;
  readonly certificateProfile: string;
  readonly epoch: bigint;
  readonly createdAt: Date;
}
export interface ProfileRow {
  readonly name: string;
  readonly ca: string;
  readonly purpose: Purpose;
  readonly state: 'enabled' | 'disabled';
  readonly revision: number;
  readonly document: Record<string, unknown>;
  readonly epoch: bigint;
  readonly createdAt: Date;
}
export interface AccountRow {
  readonly name: string;
  readonly state: 'enabled' | 'disabled';
  readonly profiles: readonly string[];
  /** SHA-256 of each key in force. */
  readonly apiKeyHashes: readonly Uint8Array[];
  /** As far as they are set. */
  readonly limits: AccountLimits;
  readonly epoch: bigint;
  readonly createdAt: Date;
}
/** null: back to the default. */
export type LimitChanges = { readonly [limit in AccountLimit]?: number | null | undefined };
/** A key that nobody may be certified for again. */
export interface BlockedKeyRow {
  readonly spkiSha256: Uint8Array;
  readonly reason: string;
  /** An operator, or `-ledger` for a revocation with keyCompromise. */
  readonly blockedBy: string;
  readonly blockedAt: Date;
  readonly epoch: bigint;
}
/** One consistent read of everything a subscriber must know. */
export interface RegistryState {
  readonly epoch: bigint;
  readonly cas: readonly CaRow[];
  readonly profiles: readonly ProfileRow[];
  readonly accounts: readonly AccountRow[];
  /** SHA-256 of each blocked SubjectPublicKeyInfo, 32 octets each, one behind the other, in the order in which they were blocked. */
  readonly blockedKeys: Uint8Array;
}
export interface NewProfile {
  readonly name: string;
  readonly ca: string;
  readonly purpose: Purpose;
  /** Canonical document; equal to the current revision's: nothing changes. */
  readonly document: Record<string, unknown>;
  readonly timeToLiveS: number;
  readonly backdateS: number;
}
export interface Change {
  readonly epoch: bigint;
}
/** `epoch`: of the change; while it is only proposed, of the registry as it is. */
export type DecidedChange = Change & Decided;
/** What the reconciler must put into the ledger for CAs that are being made. */
export interface KeyWorkWanted {
  readonly ca: CaRow;
  readonly purpose: 'generate' | 'ca-certificate';
}

/** What issuer-registry may do. `operator` is the name in the audit trail. Changes are durable on return. */
export interface RegistryStore extends SubscriberStore, QueueStore, BulkStore {
  enrol(name: string, appliedEpoch?: bigint): Promise<Caller>;
  renew(caller: Caller, appliedEpoch: bigint, report?: object): Promise<Date>;
  state(): Promise<RegistryState>;
  epoch(): Promise<bigint>;
  /** Throws `conflict` when the name is taken, `ca-unknown` for the issuer. A root brings the profile it signs itself by. */
  createCa(
    operator: string,
    ca: {
      name: string;
      keyGroup: string;
      keyAlgorithm: string;
      subject: string;
      subjectDer: Uint8Array;
      issuer: string;
      certificateProfile: string;
      selfProfile?: NewProfile | undefined;
    },
  ): Promise<Change>;
  /**
   * active → disabled by one operator; retiring → disabled by two. Under the CA's exclusive lock, taken first, in its
   * own statement. `conflict` from any other state.
   */
  disableCa(operator: string, name: string, reason: string): Promise<DecidedChange>;
  /** disabled → active, by two operators. `conflict` from any other state. */
  enableCa(operator: string, name: string, reason: string): Promise<DecidedChange>;
  /** disabled → retiring. `conflict` from any other state. */
  retireCa(operator: string, name: string, reason: string): Promise<DecidedChange>;
  /** How many of its requests lie on the shelf because their time was up while it was held. */
  parkedOf(ca: string): Promise<number>;
  /** For one token, or all of the CA's; the CA's own quarantine ends with it. `conflict` when there is none. */
  liftQuarantine(operator: string, ca: string, token: string | undefined, reason: string): Promise<Change>;
  /** Under the CA's exclusive lock. `conflict` when it is in that state. */
  setProfileState(operator: string, name: string, state: 'enabled' | 'disabled', reason: string): Promise<Change>;
  /** Under the exclusive locks of the CAs it may use. `conflict` when it is in that state. */
  setAccountState(operator: string, name: string, state: 'enabled' | 'disabled', reason: string): Promise<Change>;
  /** Limits that are not named stay; null: the default from now on. `conflict` when that changes nothing. */
  setAccountLimits(operator: string, name: string, limits: LimitChanges, reason: string): Promise<Change>;
  /** `hash`: SHA-256 of the key. `conflict` when it is known already, revoked or not. */
  addApiKey(operator: string, account: string, hash: Uint8Array): Promise<Change>;
  /** For good. `not-found` when it is not this account's, `conflict` when it is revoked. */
  revokeApiKey(operator: string, account: string, hash: Uint8Array, reason: string): Promise<Change>;
  applyProfile(operator: string, profile: NewProfile): Promise<Change & { revision: number; unchanged: boolean }>;
  createAccount(
    operator: string,
    account: { name: string; profiles: readonly string[]; apiKeyHash: Uint8Array; limits?: AccountLimits },
  ): Promise<Change>;
  /** Throws `conflict` when the list is full. One that is blocked already stays as it is (`unchanged`). */
  blockKey(
    operator: string,
    key: { readonly spkiSha256: Uint8Array; readonly reason: string },
  ): Promise<Change & { unchanged: boolean }>;
  /** The `max` blocked last, the last one first. */
  blockedKeys(max: number): Promise<BlockedKeyRow[]>;
  keyWorkWanted(): Promise<KeyWorkWanted[]>;
  /** Puts key work into the ledger, once per (ca, purpose, try). Returns the request id. */
  putKeyWork(
    caller: Caller,
    work: {
      requestId: string;
      purpose: 'generate' | 'ca-certificate';
      ca: string;
      subjectCa: string;
      profile: string | null;
      keyGroup: string;
      content: string;
      spki: Uint8Array;
    },
  ): Promise<string>;
  /** Registered Ed25519 public keys (SPKI DER) of operators and services, by name. */
  operators(): Promise<{ name: string; publicKey: Uint8Array; role: OperatorRole }[]>;
  serviceKeys(): Promise<{ name: string; service: string; publicKey: Uint8Array }[]>;
  why(requestId: string): Promise<RequestHistory | undefined>;
  /** Claims left past their lease, and whether the registry is sealed as its rows say. Takes 5 s when there seem to be such claims: it looks twice. */
  auditWhole(): Promise<readonly AuditFinding[]>;
  /** At most `requestsMax` requests with ids from `from` on, before `until`, in one snapshot; `next`: where to go on. */
  auditRange(range: {
    from: string;
    until: string;
    requestsMax: number;
  }): Promise<{ findings: readonly AuditFinding[]; next: string | undefined }>;
  auditScope(): Promise<AuditScope>;
  /** Deletes up to `max` idempotency keys past their 72 h; returns how many. Safe to repeat. */
  purgeIdempotency(max: number): Promise<number>;
  /** Makes partitions up to `daysAhead` days from now; moves rows that fell into a default partition. */
  makePartitions(daysAhead: number): Promise<{ made: readonly string[]; rowsInDefault: number; daysAhead: number }>;
  close(): Promise<void>;
}
