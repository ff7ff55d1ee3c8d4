import type { AdmitRestoreAnswer, AdmitRestoreBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { decidedView, trialView, waitingProposal } from './two-operators.js';

/**
 * The database was put back to an older state, and people have made good what was lost: from now on that state counts
 * for subscribers that have applied more. Two operators, who name the same highest epoch. Durable on return; when done,
 * with an epoch past that one and past all that the ledger has heard of. Safe to do again with a higher one: whoever was
 * forgotten goes on refusing. Throws `conflict` for an operator who proposed it already.
 */
export async function admitRestore(
  context: AdminContext,
  operator: string,
  { past, reason, dry_run }: AdmitRestoreBody,
): Promise<AdmitRestoreAnswer> {
  const { store } = context;
  const act = { verb: 'registry restored --past', subject: past, reason };
  const waiting = await waitingProposal(context, operator, act);
  const heard_epoch = String(await store.heardEpoch());
  if (dry_run === true) {
    const epoch = String((await store.versionNow()).epoch);
    return { dry_run: true, epoch, heard_epoch, ...trialView(true, operator, act, waiting) };
  }
  const decided = await store.admitRestore(operator, BigInt(past), reason);
  return { dry_run: false, epoch: String(decided.epoch), heard_epoch, ...decidedView(decided, act, waiting) };
}
