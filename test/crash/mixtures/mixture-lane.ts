import { type Answer, type System, startSystem } from '@sluice/testkit';
import type { Times } from './plan.js';
import { type MixtureReport, runMixture, signaturesPerSecond } from './run-mixture.js';

/** The accounting reads the whole ledger of a system: a new one every so often keeps it cheap. */
const mixturesPerSystem = 8;

const startMixtureSystem = (leaseMs: number): Promise<System> =>
  startSystem({ signers: 2, frontEnds: 2, postgres: 'own', wires: true, leaseMs, signaturesPerSecond });

/**
 * Runs one mixture after the other, for as long as `nextSeed` has one, on systems of its own. A system that violated
 * something is left behind, so that the next mixture does not answer for it.
 */
export async function runLane(options: {
  readonly times: Times;
  readonly nextSeed: () => number | undefined;
  readonly onReport: (report: MixtureReport) => void;
}): Promise<void> {
  const { times, nextSeed, onReport } = options;
  let system: System | undefined;
  let history: Answer[] = [];
  let done = 0;
  const stop = async (): Promise<void> => {
    await system?.stop();
    system = undefined;
  };
  try {
    for (let seed = nextSeed(); seed !== undefined; seed = nextSeed()) {
      if (system === undefined) {
        system = await startMixtureSystem(times.leaseMs);
        [history, done] = [[], 0];
      }
      const report = await runMixture(system, history, { seed, times });
      onReport(report);
      done += 1;
      if (done === mixturesPerSystem || report.violations.length > 0) await stop();
    }
  } finally {
    await stop();
  }
}
