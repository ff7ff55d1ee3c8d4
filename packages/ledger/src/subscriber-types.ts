/** A version of the registry: the epoch it has from, and SHA-256 over its entities (32 octets), sealed in the same commit. */
export interface Version {
  readonly epoch: bigint;
  readonly digest: Uint8Array;
}

/**
 * Whole entities as every subscriber has them (packages/registry-protocol: snapshot), changed since an epoch. None is
 * ever removed.
 */
export interface Entities extends Version {
  readonly cas: readonly object[];
  readonly profiles: readonly object[];
  readonly accounts: readonly object[];
  /** SHA-256 of each SubjectPublicKeyInfo blocked since, in the order in which they were. */
  readonly blockedKeys: readonly Uint8Array[];
}

export interface SubscriberRow {
  readonly name: string;
  readonly service: string;
  readonly incarnation: bigint;
  readonly leaseUntil: Date;
  /** Stored by `fenceExpired`: it can neither accept nor claim until it enrols anew. */
  readonly fenced: boolean;
  /** As it said itself, at enrolment and with each renewal. */
  readonly appliedEpoch: bigint;
  /** Confirmed when it enrolled: below this it may neither accept nor claim. */
  readonly floorEpoch: bigint;
  /** Proved by its hash, in this incarnation. */
  readonly acknowledgedEpoch: bigint;
  /** When it first acknowledged that epoch. */
  readonly acknowledgedAt: Date | null;
  /** Its last acknowledgement or refusal of whatever epoch; each heartbeat is acknowledged. */
  readonly heardAt: Date | null;
  readonly refusedEpoch: bigint | null;
  readonly refusedCode: string | null;
  readonly refusedReason: string | null;
  /** Signers: the token they have, and its key group. */
  readonly token: string | null;
  readonly keyGroup: string | null;
  readonly enrolledAt: Date;
  readonly renewedAt: Date;
  /** As the process put it at its last renewal; not checked. */
  readonly reported: unknown;
}

export interface Acknowledgement {
  readonly name: string;
  readonly incarnation: bigint;
  readonly epoch: bigint;
  /** Of the stream over which it was proved; another stream's is refused. */
  readonly nonce: Uint8Array;
}

export interface Refusal {
  readonly name: string;
  readonly incarnation: bigint;
  readonly epoch: bigint;
  readonly code: string;
  readonly reason: string;
}

export interface ChangeRow {
  readonly epoch: bigint;
  readonly changedAt: Date;
  readonly kind: string;
  readonly subject: string;
  readonly operator: string;
  /** The last claim, of an epoch before it, of what the change is about (CA, profile, account); claims of the minute before it are looked at. */
  readonly lastClaimAt: Date | undefined;
}

/** What a registry says of itself to a subscriber that has a state already. */
export interface StreamStanding {
  /** UUID of this registry, from its creation; a backup has the same. */
  readonly history: string;
  /** What was applied below this epoch and is not in here was lost with a restore that operators admitted; 0n: nothing was. */
  readonly restoredEpoch: bigint;
  /** What the subscriber's epoch was sealed with here; null: it never was. */
  readonly sealed: Uint8Array | null;
}

/** An act of one operator that waits for another one; it is still about the subject as it is. */
export interface ProposalRow {
  /** `ca-` and the state that it would have, `subscriber-forget`, or `registry-restored`, whose subject is an epoch. */
  readonly verb: 'ca-active' | 'ca-disabled' | 'subscriber-forget' | 'registry-restored';
  readonly subject: string;
  readonly reason: string;
  readonly proposedBy: string;
  readonly expiresAt: Date;
}

/** What issuer-registry asks and keeps for the push. */
export interface SubscriberStore {
  /** Cheap: one row. */
  versionNow(): Promise<Version>;
  /** In one snapshot: the newest version, and what changed after `epoch`; 0n for all. */
  entitiesSince(epoch: bigint): Promise<Entities>;
  /** Of a version of the past; `undefined` when there never was one with that epoch. */
  digestOf(epoch: bigint): Promise<Uint8Array | undefined>;
  /** What changed with that epoch, for `--wait`. */
  changeAt(epoch: bigint): Promise<ChangeRow | undefined>;
  /**
   * Calls back soon after a change was committed, and after each (re)connection. A hint: notifications get lost with
   * their connection, so the epoch is polled too. Resolves when it listens, or at once while the ledger is away.
   */
  onEpoch(listener: () => void): Promise<{ close(): Promise<void> }>;
  /**
   * The subscriber's stream begins; acknowledgements are made over this nonce. `heldEpoch`: of the state that it has; 0n
   * for none. Throws `fenced` when it is not the present incarnation.
   */
  openStream(name: string, incarnation: bigint, nonce: Uint8Array, heldEpoch: bigint): Promise<StreamStanding>;
  /** The nonce of its latest stream, and its present incarnation; `undefined` when it is fenced or never opened one. */
  streamOf(name: string): Promise<{ incarnation: bigint; nonce: Uint8Array } | undefined>;
  /**
   * Keeps what was proved (the proofs are checked before). In the order of `acks`. `conflict`: not the present
   * incarnation, fenced, another stream, or no version of that epoch. Safe to repeat.
   */
  acknowledge(acks: readonly Acknowledgement[]): Promise<('acknowledged' | 'conflict')[]>;
  /** The older version stays in force there. Throws `conflict` when it is not the present incarnation. */
  refuse(refusal: Refusal): Promise<void>;
  /** Fences each whose lease has run out, under the lock that accept and claim share; returns their names. Once a second. */
  fenceExpired(): Promise<string[]>;
  /** Stores the epoch that every unfenced identity-api, signer and ocsp-responder has acknowledged; returns it. Never decreases. */
  confirm(): Promise<bigint>;
  /** The highest epoch that a subscriber said to have applied, as far as the ledger knows now: in a restored one it may be ahead of the registry's. */
  heardEpoch(): Promise<bigint>;
  /**
   * After an older state was put back: the epoch goes past every one that was heard of, and past `past`. Subscribers
   * that are ahead apply the registry's state from then on. Two operators, who name the same `past`.
   */
  admitRestore(operator: string, past: bigint, reason: string): Promise<Decided & { readonly epoch: bigint }>;
  /** As `confirm` stored it last. */
  confirmedEpoch(): Promise<bigint>;
  subscribers(): Promise<SubscriberRow[]>;
  /** CAs whose work is held: on one token, or (null) wherever it is. */
  quarantines(): Promise<{ readonly ca: string; readonly token: string | null }[]>;
  /** Acts that wait for a second operator, the oldest first. */
  proposals(): Promise<ProposalRow[]>;
  /** Takes a fenced subscriber off the list; `conflict` for any other. Two operators while a CA is retiring or destroying. */
  forgetSubscriber(operator: string, name: string, reason: string): Promise<Decided>;
}

/**
 * `proposed`: nothing is done until a second operator asks for the same within the hour. Asked again by the same
 * operator meanwhile: `conflict`.
 */
export type Decided =
  | { readonly standing: 'done' /** Of two operators, the first. */; readonly proposedBy?: string | undefined }
  | { readonly standing: 'proposed'; readonly proposedBy: string; readonly expiresAt: Date };
