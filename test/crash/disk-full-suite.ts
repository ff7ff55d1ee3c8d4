import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type Member,
  mountSmallVolume,
  type SmallVolume,
  type System,
  startSystem,
  whyNoSmallVolume,
} from '@sluice/testkit';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Load, startLoad } from './load.js';
import { statusOf } from './service-status.js';
import { until, untilInFlight } from './signer-faults.js';

const inFlight = 60;
const signaturesPerSecond = 100;
/** Every service resumes by itself within this, once there is room again. */
const resumeMs = 10_000;
/** Enough for all that is written here, and little enough to be filled in memory. */
const sizesMb = { data: 192, wal: 256, redis: 32 };

/** Disks that fill up under PostgreSQL and under Redis, under load; then the accounting of all of it. */
export function diskFullSuite(times: { readonly fullMs: number; readonly leaseMs: number }): void {
  const dir = mkdtempSync(join(tmpdir(), 'system-'));
  const impossible = whyNoSmallVolume(join(dir, 'probe'));
  if (impossible !== undefined)
    console.warn(`NOT RUN: no disk can be filled here, for nothing can be mounted: ${impossible}`);
  describe.skipIf(impossible !== undefined)('disk full', () => fillThem(dir, times));
}

function fillThem(dir: string, { fullMs, leaseMs }: { readonly fullMs: number; readonly leaseMs: number }): void {
  const volumes: Partial<Record<keyof typeof sizesMb, SmallVolume>> = {};
  let system: System;
  let load: Load;

  beforeAll(async () => {
    for (const name of ['data', 'wal', 'redis'] as const)
      volumes[name] = mountSmallVolume(join(dir, name), sizesMb[name]);
    const postgresVolumes = { data: join(dir, 'data'), wal: join(dir, 'wal') };
    const options = { signers: 2, frontEnds: 2, leaseMs, signaturesPerSecond, dir };
    system = await startSystem({ ...options, postgres: 'own', postgresVolumes });
    load = startLoad(system, { inFlight, patienceMs: 20_000 });
  });
  afterAll(async () => {
    try {
      if (system) expect(await system.stop()).toEqual([]);
    } finally {
      for (const volume of Object.values(volumes)) volume.remove();
    }
  });

  /** Full for `fullMs` from when it was felt. */
  async function fill(name: keyof typeof sizesMb, felt: () => boolean | Promise<boolean>): Promise<void> {
    await untilInFlight(load, inFlight - 10);
    volumes[name]?.fill();
    try {
      await until(`the disk under ${name} is felt to be full`, felt);
      await wait(fullMs);
    } finally {
      volumes[name]?.free();
    }
  }

  const logged = (file: string, what: RegExp): boolean => what.test(readFileSync(file, 'utf8'));
  const postgresLog = join(dir, 'postgres', 'postgres.log');

  /** Ready, nothing to complain of, and a certificate for what is ordered from now on; nobody was started again. */
  async function wellAgain(): Promise<void> {
    const before = load.client.answers.length;
    const members = [...system.frontEnds, ...system.signers, system.registry];
    await expect
      .poll(() => load.client.answers.slice(before).some(({ fate }) => fate === 'issued'), { timeout: resumeMs })
      .toBe(true);
    await expect
      .poll(async () => (await Promise.all(members.map(statusOf))).map(({ troubles, open }) => ({ troubles, open })), {
        timeout: resumeMs,
      })
      .toEqual(members.map(() => ({ troubles: {}, open: [] })));
  }

  it('under the data of PostgreSQL: what needs room is refused, and the server lives', async () => {
    const before = await Promise.all(system.frontEnds.map(openings));
    await fill('data', () => logged(postgresLog, /could not extend file.*No space left/));
    await wellAgain();
    // They do not take a server that answers for one that takes writes: the breaker opens and stays so.
    const after = await Promise.all(system.frontEnds.map(openings));
    for (const [index, count] of after.entries()) expect(count - (before[index] ?? 0)).toBeLessThanOrEqual(2);
    expect(logged(postgresLog, /PANIC/)).toBe(false);
  });

  it('under the write-ahead log: PostgreSQL panics, and may not come up until there is room', async () => {
    await fill('wal', async () => {
      await system.query('select pg_switch_wal()').catch(() => undefined); // or the load takes long to fill its segment
      return logged(postgresLog, /PANIC.*No space left/);
    });
    if (!running(system.postgres?.pid)) await system.postgres?.restart();
    await wellAgain();
  });

  it('under Redis: it refuses to write, and certificates come all the same', async () => {
    const redis = new Redis(system.redis.url);
    try {
      const begun = Date.now();
      await fill('redis', async () => (await redis.info('persistence')).includes('aof_last_write_status:err'));
      expect(load.client.answers.some(({ fate, sentAt }) => fate === 'issued' && sentAt > begun)).toBe(true);
    } finally {
      redis.disconnect();
    }
    await wellAgain();
  });

  it('every accepted request ended, by witness, client history and ledger', async () => {
    await load.stop();
    await system.settle(60_000);
    await load.readBack();
    const { violations, counts } = await system.audit(load.client.answers, 60_000);
    expect(violations).toEqual([]);
    expect(counts.issued).toBeGreaterThan(100);
  });
}

/** How often this process took the ledger for away. */
async function openings({ url }: Member): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^sluice_breaker_opened_total\{dependency="ledger",[^}]*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

function running(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}
