import type { Code } from '@sluice/errors';
import type { EndState, Lane, Load, OpenState, Purpose, RequestClass, ShelfState } from '@sluice/issuance';
import type { AuditFinding, AuditStep } from './audit-types.js';

/** Who is calling: an enrolled subscriber and its incarnation. The service follows from the database role. */
export interface Caller {
  readonly name: string;
  /** Grows with each start of the process; an older incarnation is refused (`fenced`). */
  readonly incarnation: bigint;
}

/** A PKCS#10 request, DER; or a signature over a nonce, as sent: what was signed follows from it and the request. */
export type Evidence =
  | { readonly csr: Uint8Array }
  | { readonly proof: { readonly nonce: string; readonly signature: string } };

/** A request as accepted. Its row never changes afterwards. */
export interface AcceptRow {
  /** UUIDv7, made by the front end; its time is that of arrival. */
  readonly requestId: string;
  /** The registry's version that it was validated under: refused (`stale-snapshot`) when its process may not act on that any more. */
  readonly epoch: bigint;
  readonly account: string;
  readonly profile: string;
  /** The revision it was validated under. */
  readonly profileRevision: number;
  readonly ca: string;
  readonly keyGroup: string;
  readonly class: RequestClass;
  /** Canonical JSON text of what may vary: subject, names. Parsed again by the signer. */
  readonly content: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** What showed that the sender has the key; kept. */
  readonly evidence: Evidence;
  /** SHA-256 of (account, profile, key, names). */
  readonly fingerprint: Uint8Array;
  readonly idempotencyKey?: string | undefined;
  /** SHA-256 of the payload; another payload under the same key is refused. */
  readonly payloadHash: Uint8Array;
  /** Milliseconds from now, on the ledger's clock, until nobody waits for it any more. */
  readonly waitMs: number;
  /** Known end of an earlier try under the same key: `expired`, which this one reopens by compare-and-set. */
  readonly reopens?: string | undefined;
}

/** `deadline` is opaque: the ledger's own text of the deadline, compared for equality in `decide`. */
export type AcceptResult =
  | { readonly verdict: 'accepted'; readonly requestId: string; readonly deadline: string }
  | { readonly verdict: 'joined'; readonly requestId: string; readonly standing: Standing }
  | { readonly verdict: 'payload-mismatch' };

interface StandingBase {
  readonly requestId: string;
  readonly account: string;
  readonly profile: string;
  readonly ca: string;
  readonly acceptedAt: Date;
}
export type Standing =
  | (StandingBase & { readonly state: OpenState; readonly deadline: string; readonly attempt: number })
  | (StandingBase & { readonly state: ShelfState })
  | (StandingBase & {
      readonly state: 'issued';
      readonly serial: Uint8Array;
      /** DER. */
      readonly certificate: Uint8Array;
      readonly notBefore: Date;
      readonly notAfter: Date;
    })
  | (StandingBase & {
      readonly state: 'rejected';
      readonly code: Code;
      readonly detail: string;
      /** A serial was burned for it before. */
      readonly withheld: boolean;
    })
  | (StandingBase & { readonly state: 'expired' /** A serial was burned for it. */; readonly withheld: boolean })
  | (StandingBase & { readonly state: 'cancelled' });

export interface LaneLoad extends Lane {
  readonly queued: number;
  /** Of these, what is neither held nor quarantined. */
  readonly claimable: number;
  readonly signing: number;
  /** Milliseconds the oldest claimable (queued, not held) row has waited; 0 when none. */
  readonly oldestAgeMs: number;
}

/** What identity-api may do. Every method is one call, safe to repeat unless it says otherwise. */
export interface IdentityLedger {
  /**
   * `appliedEpoch`: of the registry state it acts on, 0n for none. Below what was confirmed before, accept and claim
   * refuse it (`stale-snapshot`) until `renew`, or an acknowledgement, tells a later one.
   */
  enrol(name: string, appliedEpoch?: bigint): Promise<Caller>;
  renew(caller: Caller, appliedEpoch: bigint, report?: object): Promise<Date>;
  /**
   * Joins requests by key: for each (account, key) known, its standing, with the deadline moved to the later one while
   * it is open. Unknown keys give `undefined`. Batched with what else waits.
   */
  join(
    account: string,
    idempotencyKey: string,
    payloadHash: Uint8Array,
    waitMs: number,
  ): Promise<{ standing: Standing; samePayload: boolean } | undefined>;
  /** The same for an order without a key: joins an equal one of that account which is open or shelved. */
  joinEqual(account: string, fingerprint: Uint8Array, waitMs: number): Promise<Standing | undefined>;
  /** Durable on return. Joins instead where key or (keyless) fingerprint is known. Throws `fenced`, `stale-snapshot`, `unavailable`, `outcome-unknown`. */
  accept(row: AcceptRow): Promise<AcceptResult>;
  read(requestId: string): Promise<Standing | undefined>;
  /**
   * The end of a wait, by compare-and-set on state and deadline (DESIGN 4.10). `deadline` is the one this waiter knows.
   * Still `queued` with that very deadline: becomes `expired`. Otherwise open: its deadline moves to now + ttlMs and
   * the open standing comes back: the caller says `continuing`.
   */
  decide(requestId: string, deadline: string, ttlMs: number): Promise<Standing>;
  /** `queued` and shelf become `cancelled`; otherwise the standing as it is. */
  cancel(requestId: string, account: string): Promise<Standing | undefined>;
  /** What admission reckons with. Cheap at any size: counted by one for all, the more seldom the more there is. */
  readLoad(): Promise<Load>;
  close(): Promise<void>;
}

export interface ClaimedRequest {
  readonly requestId: string;
  readonly purpose: Purpose;
  readonly account: string;
  readonly profile: string;
  /** The revision it is signed under: current at the claim. */
  readonly profileRevision: number;
  readonly acceptedRevision: number;
  readonly ca: string;
  /** For `ca-certificate` and key work: the CA that is being made or changed. */
  readonly subjectCa?: string | undefined;
  readonly content: string;
  readonly spki: Uint8Array;
  readonly attempt: number;
  /** Positive DER INTEGER content octets, as stored `intended`. Empty for key work. */
  readonly serial: Uint8Array;
  /** Whole seconds. */
  readonly notBefore: Date;
  readonly templateHash: Uint8Array;
  readonly epoch: bigint;
  readonly acceptedAt: Date;
}

export interface EndedRequest {
  readonly requestId: string;
  readonly state: EndState | ShelfState;
  readonly code?: Code | undefined;
}

export interface ClaimOptions {
  readonly caller: Caller;
  /** UUID of this claim: repeating a claim whose answer was lost returns the same rows. */
  readonly claimId: string;
  readonly lane: Lane;
  readonly countMax: number;
  /** As a hint, the turn's ids (calm); without, by policy. */
  readonly requestIds?: readonly string[] | undefined;
  /** countMax serials; the first octet 0x01–0x7f. */
  readonly serials: readonly Uint8Array[];
  /** Version of the template compiler: rows whose template this signer has not registered are left, and named in `stale`. */
  readonly compiler: string;
  readonly leaseMs: number;
  /** Where the round robin over flows (account, CA) goes on; from the previous answer. */
  readonly cursor?: ClaimCursor | undefined;
  /** CAs passed over, as those quarantined on the caller's token are: their rows are left as they are. */
  readonly skipCas?: readonly string[] | undefined;
}
export interface ClaimCursor {
  readonly account: string;
  readonly ca: string;
}
export interface ClaimResult {
  readonly claimed: readonly ClaimedRequest[];
  /** Rejected (not permitted) and expired (overdue) on the way; ring the bell for them too. */
  readonly ended: readonly EndedRequest[];
  /** Profiles whose current revision this signer has no registered template for: read the snapshot again. */
  readonly stale: readonly string[];
  readonly cursor?: ClaimCursor | undefined;
}

export interface Completion {
  readonly requestId: string;
  readonly attempt: number;
  readonly serial: Uint8Array;
  readonly certificate: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
}
/** `late`: the lease was lost meanwhile; the certificate is kept, its serial burned, nothing is handed out. */
export type CompletionVerdict = 'issued' | 'late';

export interface Release {
  readonly requestId: string;
  readonly attempt: number;
  readonly code: Code;
}

export interface Sweep {
  /** False when another signer sweeps at this moment. */
  readonly swept: boolean;
  readonly ended: readonly EndedRequest[];
  /** Rows queued again after a lost lease. */
  readonly requeued: number;
  /** Queued, claimable work per lane, to be compared with the turns in Redis. */
  readonly loads: readonly LaneLoad[];
}

export interface AttachedToken {
  readonly token: string;
  readonly keyGroup: string;
  /** Public key of its control object. */
  readonly identity: Uint8Array;
}

export interface SignerCapacity {
  readonly keyGroup: string;
  /** Signatures per second; `undefined` while it has signed nothing yet. 0: its token hangs. */
  readonly perSecond: number | undefined;
}

/** What a signer may do. */
export interface SignerLedger {
  /**
   * `appliedEpoch`: of the registry state it acts on, 0n for none. Below what was confirmed before, accept and claim
   * refuse it (`stale-snapshot`) until `renew`, or an acknowledgement, tells a later one.
   */
  enrol(name: string, appliedEpoch?: bigint): Promise<Caller>;
  renew(caller: Caller, appliedEpoch: bigint, report?: object): Promise<Date>;
  /** Says which template bytes this signer fills for (profile, revision); another hash for the same is refused (`conflict`). */
  registerTemplates(
    caller: Caller,
    compiler: string,
    templates: readonly { profile: string; revision: number; hash: Uint8Array }[],
  ): Promise<void>;
  /** Was a token of that name ever attached? If so, no other may be made under it. */
  knowsToken(token: string): Promise<boolean>;
  /**
   * Which token this signer has; kept with its incarnation, and its identity for good. Safe to repeat. `conflict`: a
   * token of that name has another identity.
   */
  attachToken(caller: Caller, attached: AttachedToken): Promise<void>;
  /**
   * The CA's key is not on this token, which answers: found twice, beside a control object. Quarantines the CA on it,
   * with a new epoch, and the CA itself when no attached token of its group is left. Safe to repeat: the same answer,
   * no new epoch. `forbidden`: the token is not this signer's; `conflict`: the CA is being destroyed.
   */
  keyMissing(
    caller: Caller,
    missing: { readonly ca: string; readonly token: string; readonly detail: string },
  ): Promise<'ca-token' | 'ca'>;
  claim(options: ClaimOptions): Promise<ClaimResult>;
  /** The rows a claim still holds whose answer was lost (`outcome-unknown`). Empty: it never happened, or its lease ran out. */
  claimAgain(caller: Caller, claimId: string): Promise<ClaimResult>;
  /** Those of these keys (SHA-256 of each SubjectPublicKeyInfo) that are on the block list now. */
  blockedKeys(spkiSha256s: readonly Uint8Array[]): Promise<Uint8Array[]>;
  /** One commit for the batch; a bad row harms only itself. In the order of `completions`. Safe to repeat. */
  complete(caller: Caller, completions: readonly Completion[]): Promise<CompletionVerdict[]>;
  /** A CA certificate: stores it, makes the CA active, ends the request, in one commit with a new epoch. */
  completeCaCertificate(caller: Caller, completion: Completion): Promise<CompletionVerdict>;
  /** A generated CA key: its public half goes to the registry, in one commit with a new epoch. */
  completeGenerate(
    caller: Caller,
    done: { requestId: string; attempt: number; spki: Uint8Array },
  ): Promise<CompletionVerdict>;
  /** Rules refuse it and the key was not asked: `rejected`, serial `void`. */
  reject(caller: Caller, rejections: readonly (Release & { detail: string })[]): Promise<void>;
  /** The key was not asked: `queued` again, serial `void`. */
  release(caller: Caller, releases: readonly Release[]): Promise<void>;
  /** The key was asked and something is in doubt: serial `burned` and revoked, `queued` again or `failed`. */
  burn(caller: Caller, releases: readonly Release[]): Promise<EndedRequest[]>;
  /**
   * How much this signer can sign, as it measures it: admission reckons with it for 3 s, so say it once a second. Safe to
   * repeat. Throws `fenced`, `unavailable`.
   */
  reportCapacity(caller: Caller, capacity: SignerCapacity): Promise<void>;
  /** Leases, overdue rows, shelf; by whoever gets the lock. Call it once a second. */
  sweep(caller: Caller): Promise<Sweep>;
  /** Looks at the next range of at most `requestsMax` requests, if no other signer is at it; in one snapshot. */
  audit(caller: Caller, requestsMax: number): Promise<AuditStep>;
  /** Claims left past their lease, and whether the registry is sealed as its rows say. Takes 5 s when there seem to be such claims: it looks twice. */
  auditWhole(): Promise<readonly AuditFinding[]>;
  close(): Promise<void>;
}

/** Everything stored about one request, for `sluice why`. Times are ISO 8601. */
export interface RequestHistory {
  readonly standing: Standing;
  readonly class: RequestClass;
  readonly keyGroup: string;
  readonly purpose: Purpose;
  readonly profileRevision: number;
  readonly content: string;
  readonly fingerprint: string;
  readonly attempts: readonly {
    attempt: number;
    /** Hex. */
    serial: string;
    state: string;
    signer: string;
    claimedAt: string;
    leaseUntil: string;
    profileRevision: number;
    epoch: string;
  }[];
  readonly events: readonly {
    at: string;
    kind: string;
    attempt: number | null;
    actor: string;
    detail: Record<string, unknown>;
  }[];
}
