import { SluiceError } from '@sluice/errors';
import type { AcceptResult, AcceptRow, Standing } from '@sluice/ledger';
import { parseContent } from '@sluice/pki';
import type { Clock } from '../clock.js';
import type { Front } from '../front.js';

type Of<S extends Standing['state']> = Extract<Standing, { state: S }>;
/** How a request stands, beside what its row says. */
type Stand =
  | Pick<Of<'issued'>, 'state' | 'serial' | 'certificate' | 'notBefore' | 'notAfter'>
  | Pick<Of<'rejected'>, 'state' | 'code' | 'detail' | 'withheld'>
  | Pick<Of<'expired'>, 'state' | 'withheld'>
  | { readonly state: Exclude<Standing['state'], 'issued' | 'rejected' | 'expired'> };

interface Stored {
  readonly row: AcceptRow;
  readonly acceptedAt: Date;
  deadline: number;
  attempt: number;
  ended: Stand & { readonly ca?: string };
}

/** What a call to the fake does instead of its work, once or always. */
export type Trouble = 'unavailable' | 'fenced' | 'stale-snapshot' | 'lost-answer' | 'hangs' | 'broken';
type Verb = 'join' | 'joinEqual' | 'accept' | 'read' | 'decide' | 'cancel';

/** What it must never be asked for longer than: no wait and no time to live of the test profile is longer. */
const waitLongestMs = 3_600_000;
/** Front ends decide this long before the client's wait ends. What is due later has somebody else who waits for it. */
const dueMarginMs = 250;

/**
 * A ledger in memory that polices: whatever the real one would refuse, or the front end must never do, becomes a
 * `violation`, and the tests fail on any.
 */
export class FakeLedger {
  readonly violations: string[] = [];
  readonly calls: Record<Verb, number> = { join: 0, joinEqual: 0, accept: 0, read: 0, decide: 0, cancel: 0 };
  readonly trouble: Partial<Record<Verb, Trouble>> = {};
  readonly stored = new Map<string, Stored>();
  readonly waits: number[] = [];
  /** Waited for by each accept, as a commit is. */
  beforeAccept: () => Promise<void> = async () => undefined;
  /** Called after each accept: what the signers do. */
  afterAccept: (requestId: string) => void = () => undefined;
  private readonly keys = new Map<string, string>();
  private readonly givenDeadlines = new Set<string>();
  private readonly clock: Pick<Clock, 'epochMs'>;
  /** How much its clock is ahead of the front end's. */
  private aheadMs = 0;

  constructor(clock: Pick<Clock, 'epochMs'>) {
    this.clock = clock;
  }

  readonly verbs: Front['ledger'] = {
    join: (account, key, payloadHash, waitMs) =>
      this.run('join', () => {
        this.policeWait(waitMs);
        const id = this.keys.get(`${account} ${key}`);
        const known = id === undefined ? undefined : this.stored.get(id);
        if (id === undefined || known === undefined) return undefined;
        this.extend(known, waitMs);
        const samePayload = Buffer.from(payloadHash).equals(Buffer.from(known.row.payloadHash));
        return { standing: this.standing(id), samePayload };
      }),
    joinEqual: (account, fingerprint, waitMs) =>
      this.run('joinEqual', () => {
        this.policeWait(waitMs);
        const id = this.equalOpen({ account, fingerprint });
        const known = id === undefined ? undefined : this.stored.get(id);
        if (id === undefined || known === undefined) return undefined;
        this.extend(known, waitMs);
        return this.standing(id);
      }),
    accept: (row) => this.run('accept', () => this.accept(row)),
    read: (requestId) => this.run('read', () => (this.stored.has(requestId) ? this.standing(requestId) : undefined)),
    decide: (requestId, deadline, ttlMs) =>
      this.run('decide', () => {
        if (!this.givenDeadlines.has(`${requestId} ${deadline}`)) this.violations.push('decide: a deadline of its own');
        this.policeWait(ttlMs);
        const known = this.stored.get(requestId);
        if (known === undefined) throw new SluiceError('not-found');
        const due = known.deadline <= this.nowMs() + dueMarginMs;
        if (known.ended.state === 'queued' && String(known.deadline) === deadline && due) {
          known.ended = { state: 'expired', withheld: known.attempt > 0 };
        } else this.extend(known, ttlMs);
        return this.standing(requestId);
      }),
    cancel: (requestId, account) =>
      this.run('cancel', () => {
        const known = this.stored.get(requestId);
        if (known === undefined || known.row.account !== account) return undefined;
        if (['queued', 'parked', 'failed'].includes(known.ended.state)) known.ended = { state: 'cancelled' };
        return this.standing(requestId);
      }),
  };

  /** What a signer or an operator does to a request. */
  become(requestId: string, ended: Stored['ended'], attempt = 0): void {
    const known = this.stored.get(requestId);
    if (known === undefined) throw new Error(`no request ${requestId}`);
    known.ended = ended;
    known.attempt = attempt;
  }

  /** `ca`: issued by another than it was asked of, as a CA that our snapshot does not know yet. */
  issue(requestId: string, ca = this.stored.get(requestId)?.row.ca): void {
    const at = new Date('2026-11-21T00:00:00Z');
    const certificate = Buffer.from('certificate');
    this.become(requestId, {
      state: 'issued',
      ...(ca === undefined ? {} : { ca }),
      serial: Buffer.from('0a0b', 'hex'),
      certificate,
      notBefore: at,
      notAfter: at,
    });
  }

  private accept(row: AcceptRow): AcceptResult {
    this.police(row);
    const key = row.idempotencyKey === undefined ? undefined : `${row.account} ${row.idempotencyKey}`;
    const held = key === undefined ? this.equalOpen(row) : this.keys.get(key);
    const holder = held === undefined ? undefined : this.stored.get(held);
    const reopened = held !== undefined && held === row.reopens && holder?.ended.state === 'expired';
    if (held !== undefined && holder !== undefined && !reopened) {
      if (key !== undefined && !Buffer.from(row.payloadHash).equals(Buffer.from(holder.row.payloadHash))) {
        return { verdict: 'payload-mismatch' };
      }
      this.extend(holder, row.waitMs);
      return { verdict: 'joined', requestId: held, standing: this.standing(held) };
    }
    const deadline = this.nowMs() + row.waitMs;
    this.stored.set(row.requestId, { row, acceptedAt: new Date(), deadline, attempt: 0, ended: { state: 'queued' } });
    if (key !== undefined) this.keys.set(key, row.requestId);
    this.afterAccept(row.requestId);
    this.givenDeadlines.add(`${row.requestId} ${deadline}`);
    return { verdict: 'accepted', requestId: row.requestId, deadline: String(deadline) };
  }

  private equalOpen(row: Pick<AcceptRow, 'account' | 'fingerprint'>): string | undefined {
    const open = ['queued', 'signing', 'parked', 'failed'];
    for (const [id, { row: other, ended }] of this.stored) {
      const equal =
        other.account === row.account && Buffer.from(other.fingerprint).equals(Buffer.from(row.fingerprint));
      if (equal && open.includes(ended.state)) return id;
    }
    return undefined;
  }

  private police(row: AcceptRow): void {
    const say = (what: string) => this.violations.push(`accept: ${what}`);
    if (this.stored.has(row.requestId)) say('an id used again');
    if (row.payloadHash.length !== 32 || row.fingerprint.length !== 32) say('a hash that is none');
    if (row.spki.length === 0 || ('csr' in row.evidence && row.evidence.csr.length === 0)) say('no key');
    if (row.reopens !== undefined && this.stored.get(row.reopens)?.ended.state !== 'expired')
      say('reopens what is not expired');
    parseContent(row.content);
    this.policeWait(row.waitMs);
  }

  private policeWait(waitMs: number): void {
    if (!Number.isInteger(waitMs) || waitMs < 1 || waitMs > waitLongestMs)
      this.violations.push(`a wait of ${waitMs} ms`);
    this.waits.push(waitMs);
  }

  private extend(known: Stored, waitMs: number): void {
    // Time passes between two calls, so a later wait is a later deadline.
    this.aheadMs += 1;
    known.deadline = Math.max(known.deadline, this.nowMs() + waitMs);
  }

  private nowMs(): number {
    return this.clock.epochMs() + this.aheadMs;
  }

  private standing(requestId: string): Standing {
    const known = this.stored.get(requestId);
    if (known === undefined) throw new Error(`no request ${requestId}`);
    const { account, profile, ca } = known.row;
    const deadline = String(known.deadline);
    this.givenDeadlines.add(`${requestId} ${deadline}`);
    const base = { requestId, account, profile, ca, acceptedAt: known.acceptedAt, deadline, attempt: known.attempt };
    return { ...base, ...known.ended } as Standing;
  }

  private async run<T>(verb: Verb, work: () => T): Promise<T> {
    this.calls[verb] += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (verb === 'accept') await this.beforeAccept();
    const trouble = this.trouble[verb];
    if (trouble === 'hangs') return await new Promise<T>(() => undefined);
    if (trouble === 'unavailable' || trouble === 'fenced' || trouble === 'stale-snapshot')
      throw new SluiceError(trouble);
    const result = work();
    if (trouble === 'broken') throw new Error('a fault of ours');
    if (trouble === 'lost-answer') throw new SluiceError('outcome-unknown');
    return result;
  }
}
