import { type Code, SluiceError } from '@sluice/errors';
import { type Lane, laneName, type RequestClass } from '@sluice/issuance';
import type {
  AttachedToken,
  AuditFinding,
  AuditStep,
  Caller,
  ClaimedRequest,
  ClaimOptions,
  ClaimResult,
  Completion,
  CompletionVerdict,
  EndedRequest,
  Release,
  SignerCapacity,
  SignerLedger,
  Sweep,
} from '@sluice/ledger';
import { hex } from '../hex.js';

type SerialState = 'intended' | 'issued' | 'void' | 'burned';
/** The ledger's own lease; the signer must have stopped asking keys before its last fifth. */
const guardShare = 0.2;

export type WorkState = 'queued' | 'signing' | 'issued' | 'rejected' | 'failed';
export interface Work {
  row: Omit<ClaimedRequest, 'serial' | 'attempt'>;
  class: RequestClass;
  state: WorkState;
  attempt: number;
  serial: Uint8Array;
  claimId: string;
  leaseEndsAtMs: number;
  code?: Code;
  /** Why it was rejected, in words. */
  detail?: string;
  certificate?: Uint8Array;
}
export type Verb = Exclude<keyof SignerLedger, 'close'>;

/**
 * A ledger in memory that polices its caller: whatever a signer must never do stands in `violations` afterwards, so
 * that a signer cannot hide it by catching an error. `fail` makes the next call of a verb fail, stored or not.
 */
export class PolicingLedger implements SignerLedger {
  readonly violations: string[] = [];
  readonly calls: { verb: Verb; rows: number }[] = [];
  readonly claims: ClaimOptions[] = [];
  readonly work = new Map<string, Work>();
  readonly serials = new Map<string, { state: SerialState; ca: string; leaseEndsAtMs: number; leaseMs: number }>();
  readonly asked = new Set<string>();
  /** Called at the beginning of each verb: tests wait on it, or hold it up. */
  onCall: (verb: Verb) => void | Promise<void> = () => undefined;
  auditAnswers: AuditStep[] = [];
  auditWholeAnswer: AuditFinding[] = [];
  sweepAnswer: Sweep = { swept: true, ended: [], requeued: 0, loads: [] };
  templateConflicts = new Set<string>();
  templates: { profile: string; revision: number }[] = [];
  stale: string[] = [];
  /** Identities, by name. */
  readonly tokens = new Map<string, string>();
  /** What was reported missing; its work is passed over until it is taken out again. */
  readonly quarantined = new Set<string>();
  /** CAs whose state does not permit: claims reject their work. */
  readonly disabled = new Set<string>();
  /** As they were reported. */
  readonly capacities: SignerCapacity[] = [];
  readonly missing: { ca: string; token: string; detail: string }[] = [];
  /** Lower-case hex. */
  readonly blocked = new Set<string>();
  readonly #failures: { verb: Verb; code: Code; stored: boolean }[] = [];
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  add(row: Work['row'], requestClass: RequestClass = 'interactive'): Work {
    const work: Work = {
      row,
      class: requestClass,
      state: 'queued',
      attempt: 0,
      serial: new Uint8Array(),
      claimId: '',
      leaseEndsAtMs: 0,
    };
    this.work.set(row.requestId, work);
    return work;
  }

  /** The next call of this verb throws; `stored`: after it was done, as when the answer to a commit is lost. */
  fail(verb: Verb, code: Code, stored: boolean): void {
    this.#failures.push({ verb, code, stored });
  }

  /** What a key store reports before each signature. */
  keyAsked(ca: string, serial: Uint8Array): void {
    const known = this.serials.get(hex(serial));
    if (!known) this.violations.push(`${hex(serial)} was signed and never intended`);
    if (this.asked.has(hex(serial))) this.violations.push(`${hex(serial)} was signed twice`);
    this.asked.add(hex(serial));
    if (known && known.state !== 'intended') this.violations.push(`${hex(serial)} was signed while ${known.state}`);
    if (known && known.ca !== ca) this.violations.push(`${hex(serial)} was intended for ${known.ca}, not ${ca}`);
    if (known && known.leaseEndsAtMs - this.#monotonicMs() < known.leaseMs * guardShare) {
      this.violations.push(`${hex(serial)} was signed in the last fifth of its lease`);
    }
  }

  enrol(name: string): Promise<Caller> {
    return Promise.resolve({ name, incarnation: 1n });
  }
  renew(): Promise<Date> {
    return Promise.resolve(new Date());
  }
  knowsToken(token: string): Promise<boolean> {
    return this.#verb('knowsToken', 0, () => this.tokens.has(token));
  }
  attachToken(_caller: Caller, { token, identity }: AttachedToken): Promise<void> {
    return this.#verb('attachToken', 0, () => {
      if ((this.tokens.get(token) ?? hex(identity)) !== hex(identity)) throw new SluiceError('conflict', token);
      this.tokens.set(token, hex(identity));
    });
  }
  keyMissing(_caller: Caller, missing: { ca: string; token: string; detail: string }): Promise<'ca-token' | 'ca'> {
    return this.#verb('keyMissing', 1, () => {
      this.missing.push(missing);
      this.quarantined.add(missing.ca);
      return 'ca-token';
    });
  }
  registerTemplates(_caller: Caller, _compiler: string, templates: readonly { profile: string; revision: number }[]) {
    return this.#verb('registerTemplates', templates.length, () => {
      const conflict = templates.find(({ profile }) => this.templateConflicts.has(profile));
      if (conflict) throw new SluiceError('conflict', conflict.profile);
      this.templates.push(...templates);
    });
  }

  claim(options: ClaimOptions): Promise<ClaimResult> {
    return this.#verb('claim', options.countMax, () => {
      this.claims.push(options);
      if (options.serials.length < options.countMax) this.violations.push('a claim brought too few serials');
      const hinted = (work: Work) => options.requestIds?.includes(work.row.requestId) ?? true;
      const rows = [...this.work.values()]
        .filter((work) => work.state === 'queued' && work.class === options.lane.class && hinted(work))
        .filter(({ row }) => !this.quarantined.has(row.ca) && !options.skipCas?.includes(row.ca))
        .slice(0, options.countMax);
      const refused = rows.filter(({ row }) => this.disabled.has(row.ca));
      const taken = rows.filter((work) => !refused.includes(work));
      for (const work of refused) work.state = 'rejected';
      taken.forEach((work, index) => {
        this.#take(work, options, options.serials[index] ?? new Uint8Array());
      });
      const ended = refused.map(({ row }) => ({
        requestId: row.requestId,
        state: 'rejected' as const,
        code: 'ca-disabled' as const,
      }));
      return { claimed: taken.map(claimedRow), ended, stale: this.stale };
    });
  }

  blockedKeys(spkiSha256s: readonly Uint8Array[]): Promise<Uint8Array[]> {
    return this.#verb('blockedKeys', spkiSha256s.length, () =>
      spkiSha256s.filter((hash) => this.blocked.has(hex(hash))),
    );
  }

  claimAgain(_caller: Caller, claimId: string): Promise<ClaimResult> {
    return this.#verb('claimAgain', 0, () => {
      const rows = [...this.work.values()].filter((work) => work.state === 'signing' && work.claimId === claimId);
      return { claimed: rows.map(claimedRow), ended: [], stale: [] };
    });
  }

  complete(_caller: Caller, completions: readonly Completion[]): Promise<CompletionVerdict[]> {
    return this.#verb('complete', completions.length, () => completions.map((one) => this.#complete(one)));
  }
  completeCaCertificate(_caller: Caller, completion: Completion): Promise<CompletionVerdict> {
    return this.#verb('completeCaCertificate', 1, () => this.#complete(completion));
  }
  completeGenerate(_caller: Caller, done: { requestId: string; attempt: number; spki: Uint8Array }) {
    return this.#verb('completeGenerate', 1, (): CompletionVerdict => {
      const work = this.work.get(done.requestId);
      if (work?.state !== 'signing' || work.attempt !== done.attempt) return 'late';
      work.state = 'issued';
      work.certificate = done.spki;
      return 'issued';
    });
  }

  reject(_caller: Caller, rejections: readonly (Release & { detail: string })[]): Promise<void> {
    return this.#verb('reject', rejections.length, () => {
      for (const one of rejections) {
        this.#leave(one, 'rejected', 'void');
        const work = this.work.get(one.requestId);
        if (work) work.detail = one.detail;
      }
    });
  }
  release(_caller: Caller, releases: readonly Release[]): Promise<void> {
    return this.#verb('release', releases.length, () => {
      for (const one of releases) this.#leave(one, 'queued', 'void');
    });
  }
  burn(_caller: Caller, releases: readonly Release[]): Promise<EndedRequest[]> {
    return this.#verb('burn', releases.length, () => {
      for (const one of releases) this.#leave(one, 'queued', 'burned');
      return [];
    });
  }
  reportCapacity(_caller: Caller, capacity: SignerCapacity): Promise<void> {
    return this.#verb('reportCapacity', 0, () => void this.capacities.push(capacity));
  }
  sweep(): Promise<Sweep> {
    return this.#verb('sweep', 0, () => this.sweepAnswer);
  }
  audit(): Promise<AuditStep> {
    return Promise.resolve(this.auditAnswers.shift() ?? { audited: true, behindMs: 0, findings: [] });
  }
  auditWhole(): Promise<AuditFinding[]> {
    return Promise.resolve(this.auditWholeAnswer);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** What the sweep does with a lease that ran out. */
  loseLease(work: Work): void {
    this.#settleSerial(work, 'burned');
    work.state = 'queued';
  }

  states(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { state } of this.work.values()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  claimsOf(lane: Lane): number {
    return this.claims.filter((claim) => laneName(claim.lane) === laneName(lane)).length;
  }

  async #verb<T>(verb: Verb, rows: number, act: () => T): Promise<T> {
    this.calls.push({ verb, rows });
    await this.onCall(verb);
    const at = this.#failures.findIndex((failure) => failure.verb === verb);
    const [failure] = at < 0 ? [] : this.#failures.splice(at, 1);
    if (failure && !failure.stored) throw new SluiceError(failure.code);
    const answer = act();
    if (failure) throw new SluiceError(failure.code);
    return answer;
  }

  #take(work: Work, { claimId, leaseMs }: ClaimOptions, serial: Uint8Array): void {
    if (this.serials.has(hex(serial))) this.violations.push(`${hex(serial)} was offered twice`);
    work.state = 'signing';
    work.attempt += 1;
    work.claimId = claimId;
    work.leaseEndsAtMs = this.#monotonicMs() + leaseMs;
    work.serial = work.row.purpose === 'generate' ? new Uint8Array() : serial;
    if (work.serial.length === 0) return;
    const { leaseEndsAtMs } = work;
    this.serials.set(hex(serial), { state: 'intended', ca: work.row.ca, leaseEndsAtMs, leaseMs });
  }

  #complete({ requestId, attempt, serial, certificate }: Completion): CompletionVerdict {
    const work = this.work.get(requestId);
    if (!work) {
      this.violations.push(`complete of ${requestId}, which nobody accepted`);
      return 'late';
    }
    if (work.attempt === attempt && hex(work.serial) !== hex(serial)) {
      this.violations.push(`${requestId} was completed with a serial that is not its claim's`);
    }
    if (work.state === 'issued' && work.attempt === attempt) {
      if (hex(work.certificate ?? new Uint8Array()) !== hex(certificate)) {
        this.violations.push(`${requestId} was completed again with another certificate`);
      }
      return 'issued';
    }
    if (work.state !== 'signing' || work.attempt !== attempt) return 'late';
    work.state = 'issued';
    work.certificate = certificate;
    this.#settleSerial(work, 'issued');
    return 'issued';
  }

  #leave({ requestId, attempt, code }: Release, state: WorkState, serialState: SerialState): void {
    const work = this.work.get(requestId);
    if (work?.state !== 'signing' || work.attempt !== attempt) return;
    const wasAsked = this.asked.has(hex(work.serial));
    if (serialState === 'void' && wasAsked) this.violations.push(`${hex(work.serial)} was voided after it was signed`);
    this.#settleSerial(work, serialState);
    work.state = state;
    work.code = code;
  }

  #settleSerial(work: Work, state: SerialState): void {
    const serial = this.serials.get(hex(work.serial));
    if (!serial) return;
    if (serial.state !== 'intended') this.violations.push(`${hex(work.serial)} became ${state} after ${serial.state}`);
    serial.state = state;
  }
}

function claimedRow({ row, attempt, serial }: Work): ClaimedRequest {
  return { ...row, attempt, serial };
}
