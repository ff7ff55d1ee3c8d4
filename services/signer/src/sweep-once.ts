import { asSluiceError } from '@sluice/errors';
import { laneName } from '@sluice/issuance';
import type { LaneLoad, Sweep } from '@sluice/ledger';
import type { OutageLog } from '@sluice/lifecycle';
import type { TurnProducer } from '@sluice/queue';
import { batchRowsMax } from './batch-size.js';
import { ringEnded } from './settle.js';
import type { SignerContext } from './signer-context.js';

/** More would only wait in Redis; what is missing then is added a second later. */
const turnsRepairedMax = 64;

/**
 * One sweep, once a second by every signer and done by whoever gets the ledger's lock: leases that ran out, overdue
 * rows, the shelf; then turns are added for queued work that has none. `false`: the ledger did not answer (counted, and
 * told by readiness and `outage`), and the next second tries again. Redis being away costs nothing but a count.
 */
export async function sweepOnce(
  context: SignerContext,
  turns: Pick<TurnProducer, 'openTurns' | 'addMissing'>,
  outage: OutageLog,
): Promise<boolean> {
  const { checkpoint, metrics, log } = context;
  await checkpoint('signer:before-sweep');
  const sweep = await ask(context, outage);
  if (!sweep) return false;
  // A crash here leaves everything swept; only the bell was not rung, and waiters read the ledger by themselves.
  await checkpoint('signer:after-sweep');
  metrics.sweeps.inc({ result: sweep.swept ? 'swept' : 'busy' });
  metrics.requeued.inc(sweep.requeued);
  ringEnded(context, sweep.ended);
  if (sweep.requeued > 0 || sweep.ended.length > 0) {
    const facts = { event: 'swept', requeued: sweep.requeued, ended: sweep.ended.length };
    log.info(facts, 'the sweep ended or queued again what was left');
  }
  await Promise.all(sweep.loads.map((load) => repairTurns(context, turns, load)));
  return true;
}

async function ask(context: SignerContext, outage: OutageLog): Promise<Sweep | undefined> {
  const { ledger, caller, metrics, renewNow } = context;
  try {
    const sweep = await ledger.sweep(caller());
    outage.over();
    return sweep;
  } catch (thrown) {
    const error = asSluiceError(thrown);
    metrics.sweeps.inc({ result: 'failed' });
    outage.failed(error);
    // The lease logs a failure.
    if (error.code === 'fenced') await renewNow().catch(() => undefined);
    return undefined;
  }
}

async function repairTurns(
  { metrics, log }: SignerContext,
  turns: Pick<TurnProducer, 'openTurns' | 'addMissing'>,
  load: LaneLoad,
): Promise<void> {
  const wanted = Math.ceil(load.claimable / batchRowsMax);
  if (wanted === 0) return;
  const lane = { class: load.class, keyGroup: load.keyGroup };
  try {
    const missing = Math.min(wanted - (await turns.openTurns(lane)), turnsRepairedMax);
    if (missing <= 0) return;
    await turns.addMissing(lane, missing, batchRowsMax);
    metrics.turnsRepaired.inc({ lane: laneName(lane) }, missing);
  } catch (thrown) {
    metrics.queueErrors.inc({ what: 'repair' });
    log.debug({ event: 'repair-failed', lane: laneName(lane), err: thrown }, 'Redis did not take the missing turns');
  }
}
