import { asSluiceError, type Code } from '@sluice/errors';
import { dispositionFacts, dispositionOf } from '@sluice/issuance';
import type { ClaimedRequest, Completion, CompletionVerdict, EndedRequest } from '@sluice/ledger';
import type { Refusal, SignerContext } from './signer-context.js';
import { untilAnswered } from './until-answered.js';
import type { WorkLease } from './work-lease.js';

/** A row that is not signed, and why. */
export interface RefusedRow extends Refusal {
  readonly row: ClaimedRequest;
}

/**
 * Step 8: certificates of one CA in one commit, then the bell (step 9). Repeated while the answer is lost: the ledger
 * knows it by (request, attempt, serial). Never throws: what stays unanswered is burned by the sweep when the lease ends.
 */
export async function completeRows(
  context: SignerContext,
  lease: WorkLease,
  ca: string,
  completions: readonly Completion[],
  complete: (batch: readonly Completion[]) => Promise<CompletionVerdict[]>,
): Promise<void> {
  if (completions.length === 0) return;
  const { clock, metrics, checkpoint, bell } = context;
  await checkpoint('signer:before-complete');
  const startedAtMs = clock.monotonicMs();
  await settle(context, 'complete', lease, completions, async () => {
    const verdicts = await complete(completions);
    // A crash here leaves the certificates in the ledger: waiters find them without the bell, a little later.
    await checkpoint('signer:after-complete');
    metrics.stepSeconds.observe({ step: 'complete', ca }, (clock.monotonicMs() - startedAtMs) / 1000);
    metrics.completeRows.observe({ ca }, completions.length);
    const issued = completions.filter((_, index) => verdicts[index] === 'issued');
    const late = completions.length - issued.length;
    metrics.ended.inc({ state: 'issued', code: '' }, issued.length);
    if (late > 0) countLate(context, ca, late);
    bell.ring(issued.map(({ requestId }) => requestId));
  });
}

/** Key work completes the same way: the public half of a generated key, in one commit with a new epoch. */
export async function completeKeyWork(
  context: SignerContext,
  lease: WorkLease,
  row: ClaimedRequest,
  spki: Uint8Array,
): Promise<void> {
  const { ledger, caller, checkpoint, metrics } = context;
  const done = { requestId: row.requestId, attempt: row.attempt, spki };
  await checkpoint('signer:before-complete');
  await settle(context, 'complete', lease, [row], async () => {
    const verdict = await ledger.completeGenerate(caller(), done);
    // A crash here leaves the key in the registry; what follows from it (its certificate) is the registry's to ask for.
    await checkpoint('signer:after-complete');
    if (verdict === 'late') countLate(context, row.ca, 1);
    else metrics.ended.inc({ state: 'issued', code: '' });
  });
}

function countLate(context: SignerContext, ca: string, count: number): void {
  context.metrics.dispositions.inc({ disposition: 'lease-lost', code: 'lease-lost' }, count);
  context.log.warn({ event: 'complete-late', ca, count }, 'the lease was lost; what was made is not handed out');
}

/**
 * Rows whose key was not asked: `administrative` and `request` end as rejected, everything else is queued again; the
 * serial becomes void. `unknown` is released three times; then the row goes through `burn`, which counts and in the end
 * sets it aside, at the cost of serials that were never signed. The CA does not step back: the fault is the row's, and
 * one poisoned row must not slow its neighbours. Never throws, as `completeRows`.
 */
export async function refuseRows(
  context: SignerContext,
  lease: WorkLease,
  refused: readonly RefusedRow[],
): Promise<void> {
  const { metrics, ledger, caller } = context;
  const rejections: RefusedRow[] = [];
  const releases: RefusedRow[] = [];
  const shelved: RefusedRow[] = [];
  for (const refusal of refused) {
    const disposition = dispositionOf(refusal.code);
    const { again, attemptsMax } = dispositionFacts[disposition];
    metrics.dispositions.inc({ disposition, code: refusal.code });
    const usedUp = disposition === 'unknown' && refusal.row.attempt >= (attemptsMax ?? Number.POSITIVE_INFINITY);
    if (again === 'never') rejections.push(refusal);
    else if (usedUp) shelved.push(refusal);
    else releases.push(refusal);
  }
  await Promise.all([
    release(context, lease, releases),
    burn(context, lease, shelved),
    settle(context, 'reject', lease, rejections, async () => {
      await ledger.reject(
        caller(),
        rejections.map(({ row, code, detail }) => ({ requestId: row.requestId, attempt: row.attempt, code, detail })),
      );
      ringEnded(
        context,
        rejections.map(({ row, code }) => ({ requestId: row.requestId, state: 'rejected', code })),
      );
    }),
  ]);
}

/**
 * Rows that were not tried at all, whatever the code: queued again, serial void, for whoever comes next.
 * Never throws, as `completeRows`.
 */
export async function releaseRows(
  context: SignerContext,
  lease: WorkLease,
  rows: readonly RefusedRow[],
): Promise<void> {
  for (const { code } of rows) context.metrics.dispositions.inc({ disposition: dispositionOf(code), code });
  await release(context, lease, rows);
}

/**
 * Rows whose key was asked and whose signature is in doubt: the serial is burned and revoked, the row queued again under
 * a new one, or set aside as failed when its attempts are used up. Never throws, as `completeRows`.
 */
export async function burnRows(
  context: SignerContext,
  lease: WorkLease,
  doubtful: readonly RefusedRow[],
): Promise<void> {
  for (const { code } of doubtful) context.metrics.dispositions.inc({ disposition: dispositionOf(code), code });
  await burn(context, lease, doubtful);
}

/** Tells every front end that may wait for these. */
export function ringEnded(context: SignerContext, ended: readonly EndedRequest[]): void {
  for (const { state, code } of ended) context.metrics.ended.inc({ state, code: code ?? '' });
  if (ended.length > 0) context.bell.ring(ended.map(({ requestId }) => requestId));
}

async function release(context: SignerContext, lease: WorkLease, rows: readonly RefusedRow[]): Promise<void> {
  await settle(context, 'release', lease, rows, () => context.ledger.release(context.caller(), rows.map(asRelease)));
}

async function burn(context: SignerContext, lease: WorkLease, rows: readonly RefusedRow[]): Promise<void> {
  await settle(context, 'burn', lease, rows, async () => {
    ringEnded(context, await context.ledger.burn(context.caller(), rows.map(asRelease)));
  });
}

async function settle(
  context: SignerContext,
  verb: string,
  lease: WorkLease,
  rows: readonly unknown[],
  call: () => Promise<void>,
): Promise<void> {
  if (rows.length === 0) return;
  try {
    await untilAnswered(context, verb, lease.remainingMs, call);
  } catch (thrown) {
    context.metrics.left.inc({ verb }, rows.length);
    const facts = { event: 'left-to-sweep', verb, count: rows.length, err: asSluiceError(thrown) };
    context.log.error(facts, 'the ledger did not take it; the sweep burns and queues again when the lease ends');
  }
}

function asRelease({ row, code }: RefusedRow): { requestId: string; attempt: number; code: Code } {
  return { requestId: row.requestId, attempt: row.attempt, code };
}
