import { setMaxListeners } from 'node:events';
import { setImmediate as othersTurn } from 'node:timers/promises';
import { asSluiceError, SluiceError } from '@sluice/errors';
import { flowName, type RequestClass } from '@sluice/issuance';
import type { Completion } from '@sluice/ledger';
import { withinHeard } from '@sluice/lifecycle';
import { askKey, type KeyAnswer, observeStep } from './ask-key.js';
import type { Claim } from './claim.js';
import { groupRows } from './group-rows.js';
import { type LintedTbs, lintRow } from './linted-tbs.js';
import type { CheckedRow } from './recheck.js';
import type { RefusedRow } from './settle.js';
import type { Refusal, SignerContext } from './signer-context.js';
import type { SigningCa } from './signing-rules.js';
import type { WorkLease } from './work-lease.js';

/** Part of the lease kept for telling the ledger about a signature that does not come. */
const settleShare = 0.05;
/** A signature that takes longer, or a fifth of the lease, keeps neither its place nor its claim slot from others. */
const patienceMsMax = 2000;
const patienceShare = 0.2;
/** The same for the first signature after a failure. */
const trialPatienceMs = 250;

/** A signature waits so long for the rest of its claim, to be completed with it in one commit: when so many may share it. */
const togetherMsMax = 20;
const togetherRowsMin = 2;

/** What became of the rows of one CA. Every row is in exactly one list. */
export interface SignedRows {
  readonly completions: Completion[];
  /** These did not wait for the others: `complete` has had them. */
  readonly completedEarly: Completion[];
  /** The key was asked and something is in doubt: these serials are burned. */
  readonly doubtful: RefusedRow[];
  /** The row itself cannot be built, or what was built breaks a rule; the key was not asked. */
  readonly refused: RefusedRow[];
  /** Not tried: no time left, a stop, or a failure just before. */
  readonly notBegun: RefusedRow[];
  /** The key was asked and has not answered yet. Each resolves before the lease ends, and never rejects. */
  readonly late: Promise<KeyAnswer>[];
}

interface Batch {
  readonly context: SignerContext;
  readonly class: RequestClass;
  readonly lease: WorkLease;
  readonly ca: SigningCa;
  /** Rejects shortly before the end of the lease. */
  readonly leaseEnd: Promise<never>;
  readonly signed: SignedRows;
}

/**
 * Step 7, second half: build, lint, sign, verify, each row in a place of the signing gate. The key is asked once for each
 * row and never again under its serial. After the first failure, or while a signature is overdue, it is not asked for
 * the rest, so that a broken token burns a handful of serials and not a batch. A CA that failed before is tried with one
 * row first, which takes no place: of fifty CAs that hang none keeps others waiting.
 * `complete` has what was signed and would wait too long for the rest; it must not throw.
 */
export async function signRows(
  context: SignerContext,
  { lane, lease }: Claim,
  ca: SigningCa,
  rows: readonly CheckedRow[],
  complete: (early: readonly Completion[]) => void,
): Promise<SignedRows> {
  const signed: SignedRows = {
    completions: [],
    completedEarly: [],
    doubtful: [],
    refused: [],
    notBegun: [],
    late: [],
  };
  const flows = groupRows(rows, ({ row }) => flowName(row.account, row.ca));
  const together = completeTogether(signed, complete, togetherMs(context.gate.rowsPerSecond(lane.class)));
  const leaseEnd = alarmAt(lease.remainingMs() * (1 - settleShare));
  const tooLate = new AbortController();
  // One for each place and flow may wait at the gate.
  setMaxListeners(0, tooLate.signal);
  const tooLateTimer = setTimeout(() => tooLate.abort(), lease.askKeyWithinMs());
  const batch: Batch = { context, class: lane.class, lease, ca, leaseEnd: leaseEnd.reached, signed };

  async function signInPlaces(flow: string, waiting: CheckedRow[]): Promise<void> {
    while (waiting.length > 0 && !whyNotNow(batch)) {
      const next = waiting.shift();
      if (!next) return;
      const leave = await context.gate.enter(lane.class, flow, tooLate.signal);
      if (!leave) {
        waiting.unshift(next);
        return;
      }
      try {
        await signOne(batch, next);
        // Nobody stands in line, and gets the place, for a key that will not be asked.
        if (whyNotNow(batch)) tooLate.abort();
      } finally {
        leave();
      }
      together.signedOne();
      // Fast keys sign without ever leaving this process: the answers to other cycles' claims must come in between.
      await othersTurn();
    }
  }

  try {
    const [first] = flows.values();
    const trial = context.backOff.doubtful(ca.name) ? first?.shift() : undefined;
    if (trial) {
      await signOne(batch, trial);
      together.signedOne();
    }
    // Each flow stands in line for itself: one row behind fifty of another account waits for one of them.
    await Promise.all(
      [...flows].flatMap(([flow, waiting]) =>
        Array.from({ length: Math.min(context.gate.places, waiting.length) }, () => signInPlaces(flow, waiting)),
      ),
    );
  } finally {
    clearTimeout(tooLateTimer);
    together.end();
    void Promise.all(signed.late).then(leaseEnd.cancel);
  }
  for (const { row } of [...flows.values()].flat()) signed.notBegun.push({ row, ...(whyNotNow(batch) ?? noTimeLeft) });
  return signed;
}

/** `rowsPerSecond`: what the class gets signed here; `undefined`: not known yet. */
function togetherMs(rowsPerSecond: number | undefined): number {
  if (rowsPerSecond === undefined) return togetherMsMax;
  return (rowsPerSecond * togetherMsMax) / 1000 < togetherRowsMin ? 0 : togetherMsMax;
}

/** Fast keys sign a whole claim in less; of a slow token nobody's certificate waits for those of others. */
function completeTogether(
  signed: Pick<SignedRows, 'completions' | 'completedEarly'>,
  complete: (early: readonly Completion[]) => void,
  waitMs: number,
): { signedOne(): void; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const completeNow = (): void => {
    timer = undefined;
    const early = signed.completions.splice(0);
    signed.completedEarly.push(...early);
    complete(early);
  };
  return {
    signedOne() {
      if (signed.completions.length === 0) return;
      if (waitMs === 0) completeNow();
      else timer ??= setTimeout(completeNow, waitMs);
    },
    end: () => clearTimeout(timer),
  };
}

async function signOne(batch: Batch, checked: CheckedRow): Promise<void> {
  const { context, lease, ca, leaseEnd, signed } = batch;
  const { row } = checked;
  let tbs: LintedTbs;
  try {
    tbs = lint(context, ca, checked, build(context, ca, checked));
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    signed.refused.push({ row, code, detail: message });
    return;
  }
  await context.checkpoint('signer:before-sign');
  const hindrance = whyNotNow(batch);
  if (hindrance) {
    signed.notBegun.push({ row, ...hindrance });
    return;
  }
  const answer = askKey(context, { lease, ca, checked, tbs }, leaseEnd);
  if (await withinHeard(patienceMs(batch), answer)) return take(signed, await answer);
  context.backOff.overdue(ca.name);
  signed.late.push(answer);
}

/** Sorts an answer in. */
export function take(signed: Pick<SignedRows, 'completions' | 'doubtful'>, answer: KeyAnswer): void {
  if ('completion' in answer) signed.completions.push(answer.completion);
  else signed.doubtful.push(answer.doubt);
}

function patienceMs({ context, lease, ca }: Batch): number {
  const longestMs = Math.min(patienceMsMax, context.leaseMs * patienceShare, lease.remainingMs());
  return context.backOff.doubtful(ca.name) ? Math.min(trialPatienceMs, longestMs) : longestMs;
}

function build(
  context: SignerContext,
  ca: SigningCa,
  { row, ready, content, notBefore, notAfter }: CheckedRow,
): Uint8Array {
  const startedAtMs = context.clock.monotonicMs();
  const tbs = ready.template.fill({ serial: row.serial, notBefore, notAfter, content, spki: row.spki });
  observeStep(context, 'build', ca, startedAtMs);
  return tbs;
}

/** Nothing goes to a key that was not read back: `askKey` takes only what this made. */
function lint(context: SignerContext, ca: SigningCa, checked: CheckedRow, tbs: Uint8Array): LintedTbs {
  const startedAtMs = context.clock.monotonicMs();
  try {
    return lintRow(tbs, checked, ({ rule, severity }) => context.metrics.lintFindings.inc({ rule, severity }));
  } finally {
    observeStep(context, 'lint', ca, startedAtMs);
  }
}

const noTimeLeft: Refusal = { code: 'lease-lost', detail: 'too little of the lease was left' };

/** Asked immediately before the key is. */
function whyNotNow({ context, lease, ca, signed }: Batch): Refusal | undefined {
  const [doubt] = signed.doubtful;
  if (doubt) return { code: doubt.code, detail: 'the signature before it failed' };
  const waiting = context.backOff.waiting(ca.name);
  if (waiting) return { code: waiting, detail: 'a signature of this CA failed or is overdue' };
  if (context.mustStop()) return { code: 'draining', detail: 'this signer is stopping' };
  return lease.mayAskKey() ? undefined : noTimeLeft;
}

/** Rejects after `waitMs`: a token that hangs is given up, and what it may still sign is never looked at. */
function alarmAt(waitMs: number): { reached: Promise<never>; cancel: () => void } {
  let cancel = (): void => undefined;
  const reached = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new SluiceError('token-failed', 'The token did not answer in time')), waitMs);
    cancel = () => clearTimeout(timer);
  });
  // Nobody may be waiting for it any more when it comes.
  reached.catch(() => undefined);
  return { reached, cancel };
}
