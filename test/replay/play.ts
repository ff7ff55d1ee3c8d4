import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from '@sluice/testkit';
import type { Arrival } from '../flood/arrivals.js';
import { signedOverdue } from '../flood/overdue.js';
import { startIdentityClients } from './identity-clients.js';
import { type Act, enlistOperator } from './operator.js';
import { type QueueSample, sampleQueue } from './queue-samples.js';
import { type Renewers, startRenewers } from './renewers.js';
import type { Run } from './runs.js';
import { ordersPerSecondOf } from './size.js';
import { type Stage, type StageOptions, setStage } from './stage.js';
import type { Timetable } from './timetable.js';

const clientWaitMs = 6000;

/** What was seen of a run. */
export interface Played {
  readonly run: Run;
  readonly timetable: Timetable;
  /** Epoch milliseconds of the first renewal. */
  readonly beganAt: number;
  /** First tries of the identity clients. */
  readonly arrivals: readonly Arrival[];
  /** All their tries. */
  readonly answers: readonly Answer[];
  readonly renewals: readonly Answer[];
  readonly samples: readonly QueueSample[];
  readonly acts: readonly Act[];
  /** Asked of a key of a dead CA. */
  readonly signedForDead: number;
  /** Asked of a key after the client's wait, and the client was told that it is over. */
  readonly signedOverdue: number;
  /** What did not end well, or answered otherwise than described. */
  readonly faults: readonly string[];
}

export interface PlayOptions extends Omit<StageOptions, 'has'> {
  readonly timetable: Timetable;
  /** Ends it early: `play` then rejects, and nothing of it is left running. */
  readonly signal?: AbortSignal;
}

/** The two days once more, with the guards of this run. */
export async function play(run: Run, options: PlayOptions): Promise<Played> {
  const stage = await setStage({ has: run.has, size: options.size, postgres: options.postgres });
  const seen = await playOn(stage, run, options).catch(async (fault: unknown) => {
    await stage.close();
    throw fault;
  });
  return { ...seen, faults: await stage.close() };
}

async function playOn(
  stage: Stage,
  run: Run,
  { timetable, size, signal }: PlayOptions,
): Promise<Omit<Played, 'faults'>> {
  const { system, deadCas } = stage;
  const operator = await enlistOperator(system, stage.renewerAccount);
  const renewers = startRenewers(system, {
    ...{ apiKey: stage.renewerKey, responders: size.responders },
    stops: run.has.has('renewer-stop'),
  });
  const queue = sampleQueue(system);
  const clients = startIdentityClients(system, {
    ...{ apiKeys: stage.clientKeys, ordersPerSecond: ordersPerSecondOf(size) },
    joins: run.has.has('join'),
  });
  let beganAt = Date.now() - timetable.calm * 1000;
  const at = (second: number): Promise<void> =>
    wait(Math.max(0, beganAt + second * 1000 - Date.now()), undefined, { signal });
  const parks = async (): Promise<void> => {
    if (!run.has.has('park')) return;
    await at(timetable.parkThird);
    await operator.parkThird();
    await at(timetable.parkAll);
    await operator.parkAll();
  };
  try {
    await at(timetable.ceremony);
    await stage.ceremony();
    await at(0);
    // A ceremony that takes longer, on a busy machine, prolongs the calm.
    beganAt = Date.now();
    await Promise.all([trigger(stage, renewers, timetable, at), parks()]);
    await at(timetable.end);
  } finally {
    await Promise.all([clients.stop(), renewers.stop()]);
    await queue.stop();
  }
  const answers = clients.answers();
  return {
    ...{ run, timetable, beganAt, arrivals: clients.arrivals, answers, renewals: renewers.answers },
    ...{ samples: queue.samples, acts: operator.acts },
    signedForDead: system.witness().filter(({ label }) => deadCas.includes(label)).length,
    signedOverdue: (await signedOverdue(system, answers, clientWaitMs)).length,
  };
}

async function trigger(
  { deadCas, liveCas }: Stage,
  renewers: Renewers,
  { rollOut, reduced }: Timetable,
  at: (second: number) => Promise<void>,
): Promise<void> {
  renewers.restart([...deadCas, ...liveCas]);
  await at(rollOut);
  renewers.restart(liveCas);
  await at(reduced);
  renewers.forget(deadCas);
}
