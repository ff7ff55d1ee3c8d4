import type { System } from '@sluice/testkit';
import { plantBug } from '../crash/plant-bug.js';

/**
 * The old-style queue, as in the incident: first in first out; no deadlines, so what its client has given up on is signed
 * all the same; no admission; a front end that says after its wait that nothing was issued, and decides nothing. The
 * result makes it right again.
 */
export async function plantOldQueue(system: System): Promise<() => Promise<void>> {
  const removeAdmissionBug = await plantBug(system, 'unadmitted');
  const removeDeadlineBug = await plantNoDeadlines(system);
  return async () => {
    await removeDeadlineBug();
    await removeAdmissionBug();
  };
}

/** First in first out, whoever still waits. The result makes it right again. */
export async function plantNoDeadlines(system: System): Promise<() => Promise<void>> {
  // By deadline is then by arrival.
  const pieces = [['make_interval(secs => u.wait_ms / 1000.0) as due', "interval '1 day' as due"]] as const;
  const removeLedgerBug = await plantBug(system, { function: 'ledger.accept', pieces });
  const removeProcessBug = await plantBug(system, 'undecided');
  return async () => {
    await removeProcessBug();
    await removeLedgerBug();
  };
}
