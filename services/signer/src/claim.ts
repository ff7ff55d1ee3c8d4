import { randomUUID } from 'node:crypto';
import { asSluiceError } from '@sluice/errors';
import { type Lane, laneName } from '@sluice/issuance';
import type { ClaimCursor, ClaimedRequest, ClaimOptions, ClaimResult } from '@sluice/ledger';
import { compilerVersion, makeSerial, serialRandomBytes } from '@sluice/pki';
import { batchRowsMax } from './batch-size.js';
import { hex } from './hex.js';
import { ringEnded } from './settle.js';
import type { SignerContext } from './signer-context.js';
import { untilAnswered } from './until-answered.js';
import { createWorkLease, type WorkLease } from './work-lease.js';

/** What one claim gave, under lease. */
export interface Claim {
  readonly claimId: string;
  readonly lane: Lane;
  readonly rows: readonly ClaimedRequest[];
  readonly lease: WorkLease;
  /** As many rows were moved as were asked for: there may be more. */
  readonly full: boolean;
  /** Nothing was moved: neither claimed nor ended. What was rejected is work done. */
  readonly empty: boolean;
  readonly cursor?: ClaimCursor | undefined;
}

/**
 * Step 6, as this side sees it: one call that moves rows to `signing`, each with a serial made here and stored as
 * intended. With `requestIds` those (a calm turn), otherwise up to `countMax` by policy from the lane's cursor.
 * Durable on return. Throws `unavailable` and `fenced` when nothing was claimed, and `outcome-unknown` when the ledger
 * did not say within the lease: the sweep then queues again what was claimed.
 */
export async function claimBatch(
  context: SignerContext,
  lane: Lane,
  choice: {
    readonly countMax: number;
    readonly requestIds?: readonly string[];
    readonly cursor?: ClaimCursor | undefined;
  },
): Promise<Claim> {
  const { clock, metrics, checkpoint, leaseMs } = context;
  const countMax = Math.min(choice.requestIds?.length ?? choice.countMax, batchRowsMax);
  const claimId = randomUUID();
  const serials = makeSerials(context, countMax);
  await checkpoint('signer:before-claim');
  const sentAtMs = clock.monotonicMs();
  const lease = createWorkLease(sentAtMs, leaseMs, clock.monotonicMs);
  const answer = await ask(context, lease, {
    ...choice,
    claimId,
    lane,
    countMax,
    serials,
    compiler: compilerVersion,
    leaseMs,
    skipCas: context.backOff.waitingCas(),
  });
  // A crash here leaves the rows `signing` with intended serials: the lease runs out, the sweep burns and queues again.
  await checkpoint('signer:after-claim');
  metrics.stepSeconds.observe({ step: 'claim', ca: '' }, (clock.monotonicMs() - sentAtMs) / 1000);
  metrics.claimRows.observe({ lane: laneName(lane) }, answer.claimed.length);
  ringEnded(context, answer.ended);
  // Somebody changed these profiles a moment ago, and there is no template for the new revision yet: their rows wait.
  if (answer.stale.length > 0)
    context.log.debug({ event: 'snapshot-stale', profiles: answer.stale }, 'left in the queue');
  return {
    claimId,
    lane,
    rows: ownSerialsOnly(context, answer.claimed, serials),
    lease,
    full: answer.claimed.length + answer.ended.length >= countMax,
    empty: answer.claimed.length + answer.ended.length === 0,
    cursor: answer.cursor,
  };
}

/** A claim whose answer was lost is asked for again under its id, as long as there is a lease to use it in. */
async function ask(
  context: SignerContext,
  lease: WorkLease,
  order: Omit<ClaimOptions, 'caller'>,
): Promise<ClaimResult> {
  const { ledger, caller, metrics, renewNow } = context;
  try {
    return await ledger.claim({ ...order, caller: caller() });
  } catch (thrown) {
    const { code } = asSluiceError(thrown);
    metrics.unanswered.inc({ verb: 'claim', code });
    if (code === 'fenced') await renewNow();
    if (code !== 'outcome-unknown') throw thrown;
    const usableMs = () => (lease.mayAskKey() ? lease.remainingMs() : 0);
    return await untilAnswered(context, 'claim-again', usableMs, () => ledger.claimAgain(caller(), order.claimId));
  }
}

function makeSerials(context: SignerContext, count: number): Uint8Array[] {
  const random = context.randomBytes(count * serialRandomBytes);
  const now = context.clock.now();
  return Array.from({ length: count }, (_, index) =>
    makeSerial(now, random.subarray(index * serialRandomBytes, (index + 1) * serialRandomBytes)),
  );
}

/**
 * A serial that we did not offer, or that comes twice, can only be a bug, and signing under it the one thing that must
 * never happen. Such a row is left to the sweep.
 */
function ownSerialsOnly(
  context: SignerContext,
  rows: readonly ClaimedRequest[],
  offered: readonly Uint8Array[],
): ClaimedRequest[] {
  const unused = new Set(offered.map(hex));
  return rows.filter((row) => {
    if (row.purpose === 'generate' || unused.delete(hex(row.serial))) return true;
    const facts = { event: 'serial-foreign', request_id: row.requestId, serial: hex(row.serial) };
    context.log.error(facts, 'the claim gave a serial that was not offered; the row is left alone');
    return false;
  });
}
