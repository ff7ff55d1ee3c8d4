import { setTimeout as wait } from 'node:timers/promises';
import type { Member, System } from '@sluice/testkit';
import { Redis } from 'ioredis';
import type { Load } from './load.js';

/** What happens to the servers and processes behind a load. Each resolves when everything is there again. */
export type Outage = (system: System, load: Load) => Promise<void>;

/** Every turn is forgotten, in the middle of load. */
export const flushAll = async (system: System): Promise<void> => {
  const redis = new Redis(system.redis.url);
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
};

/** Redis is killed and comes back with what its file kept. Throws when nothing was issued meanwhile: slower, not stopped. */
export function redisAway(awayMs: number): Outage {
  return async (system, load) => {
    await system.redis.kill9();
    await issuesMeanwhile(load, awayMs);
    await system.redis.restart();
  };
}

/** Redis takes connections and answers nothing. */
export function redisHanging(hangMs: number): Outage {
  return async (system, load) => {
    system.redis.freeze();
    try {
      await issuesMeanwhile(load, hangMs);
    } finally {
      system.redis.thaw();
    }
  };
}

/** The machine loses power and comes back: every process and server at once, then all of it again. */
export const everythingKilled: Outage = async (system) => {
  const members: readonly Member[] = [...system.frontEnds, ...system.signers, system.registry];
  await Promise.all([
    ...members.map((member) => member.process.kill9()),
    system.redis.kill9(),
    system.postgres?.kill9() ?? Promise.reject(new Error('ask for a PostgreSQL of its own')),
  ]);
  await Promise.all([system.postgres?.restart(), system.redis.restart()]);
  await Promise.all(members.map((member) => member.start()));
};

async function issuesMeanwhile(load: Load, outageMs: number): Promise<void> {
  const begun = Date.now();
  await wait(outageMs);
  const issued = load.client.answers.filter((answer) => answer.fate === 'issued' && answer.sentAt > begun);
  if (issued.length === 0) throw new Error(`nothing that was ordered in these ${outageMs} ms was issued in them`);
}
