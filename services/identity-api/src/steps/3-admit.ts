import { SluiceError } from '@sluice/errors';
import { type Lane, laneName } from '@sluice/issuance';
import type { LaneLoad } from '@sluice/ledger';
import { every, type Log, type Part } from '@sluice/lifecycle';

/** Says how much is open in every lane; the ledger's method. */
export type ReadLaneLoads = () => Promise<readonly LaneLoad[]>;

export interface Admission {
  /** Reads the loads once a second. */
  readonly sampler: Part;
  /** Throws `lane-full` when the lane holds as much open work as it may; else counts this one as open. */
  admit(lane: Lane): void;
  /** For an admission that was not stored after all. */
  giveBack(lane: Lane): void;
  /** Milliseconds since loads were last read; `undefined` before the first time. Tells whether the ledger answers. */
  sampleAgeMs(): number | undefined;
}

export interface AdmissionOptions {
  readonly readLaneLoads: ReadLaneLoads;
  readonly openRequestsMax: number;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly intervalMs?: number;
}

/**
 * Step 3: a bounded number of open requests per lane. The bound is over all front ends together as of the last sample,
 * plus what this one admitted since, so that a burst between two samples is counted too. While the ledger gives no
 * sample the own admissions add up and refuse in the end: with it away nothing could be stored anyway.
 */
export function createAdmission(options: AdmissionOptions): Admission {
  const { readLaneLoads, openRequestsMax, monotonicMs, log, intervalMs = 1000 } = options;
  let open = new Map<string, number>();
  /** Admitted while a sample is being read: not (surely) in it. */
  let sinceSampling = new Map<string, number>();
  let sampledAtMs: number | undefined;

  async function sample(): Promise<void> {
    sinceSampling = new Map();
    const loads = await readLaneLoads();
    const sampled = new Map<string, number>();
    for (const load of loads) sampled.set(laneName(load), load.queued + load.signing);
    for (const [lane, count] of sinceSampling) sampled.set(lane, Math.max(0, (sampled.get(lane) ?? 0) + count));
    open = sampled;
    sampledAtMs = monotonicMs();
  }

  const add = (lane: string, count: number) => {
    for (const counts of [open, sinceSampling]) counts.set(lane, (counts.get(lane) ?? 0) + count);
  };

  return {
    sampler: every('lane-sampler', intervalMs, sample, log),
    admit(lane) {
      const name = laneName(lane);
      if ((open.get(name) ?? 0) >= openRequestsMax) {
        throw new SluiceError('lane-full', undefined, { facts: { lane: name } });
      }
      add(name, 1);
    },
    giveBack: (lane) => add(laneName(lane), -1),
    sampleAgeMs: () => (sampledAtMs === undefined ? undefined : monotonicMs() - sampledAtMs),
  };
}
