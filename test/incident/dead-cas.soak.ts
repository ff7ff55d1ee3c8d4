import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DeadCas, noHarm, startDeadCas } from './dead-cas.js';

// Goal: 50 dead CAs, asked for 1,000 times a minute, cost a healthy CA nothing: every call answered 201, and its p99 no
// worse than max(1.2 × calm, calm + 50 ms), by the median of alternating runs. Open loop: orders come when they are due.

const deadCount = 50;
const deadPerSecond = 1000 / 60;
/** CRASH_CAPACITY: signatures per second of all signers together; less where the machine is busy with other things. */
const signaturesPerSecond = Number(process.env.CRASH_CAPACITY ?? 100);
const healthyPerSecond = signaturesPerSecond / 2;
/** DEAD_SECONDS: of each run. */
const runSeconds = Number(process.env.DEAD_SECONDS ?? 20);
const pairs = 5;

let cas: DeadCas;
beforeAll(async () => {
  cas = await startDeadCas(deadCount, { signaturesPerSecond });
});
afterAll(async () => {
  if (cas) expect(await cas.system.stop()).toEqual([]);
});

interface Run {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly healthy: readonly Answer[];
  readonly dead: readonly Answer[];
}

async function openLoop(perSecond: number, ask: () => Promise<Answer>): Promise<{ dueAt: number; answer: Answer }[]> {
  const beganAt = Date.now();
  const asked: Promise<{ dueAt: number; answer: Answer }>[] = [];
  for (let index = 0; index < perSecond * runSeconds; index += 1) {
    const dueAt = beganAt + (index * 1000) / perSecond;
    await wait(Math.max(0, dueAt - Date.now()));
    asked.push(ask().then((answer) => ({ dueAt, answer })));
  }
  return Promise.all(asked);
}

async function run(withDead: boolean): Promise<Run> {
  const dead = withDead ? openLoop(deadPerSecond, () => cas.askForDead()) : Promise.resolve([]);
  const healthy = await openLoop(healthyPerSecond, () => cas.askForHealthy(testProfiles.p256));
  const took = healthy.map(({ dueAt, answer }) => answer.endedAt - dueAt).sort((left, right) => left - right);
  const at = (share: number): number => took[Math.ceil(took.length * share) - 1] ?? Number.NaN;
  const answers = (of: readonly { answer: Answer }[]): Answer[] => of.map(({ answer }) => answer);
  return { p50Ms: at(0.5), p99Ms: at(0.99), healthy: answers(healthy), dead: answers(await dead) };
}

const median = (values: readonly number[]): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
const tally = (answers: readonly Answer[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status, code, error } of answers) {
    const said = `${status ?? error} ${code ?? ''}`.trim();
    counts[said] = (counts[said] ?? 0) + 1;
  }
  return counts;
};

async function compare(depth: string): Promise<void> {
  const calm: Run[] = [];
  const beside: Run[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    calm.push(await run(false));
    beside.push(await run(true));
  }
  const calmP99Ms = median(calm.map(({ p99Ms }) => p99Ms));
  const p99Ms = median(beside.map((one) => one.p99Ms));
  const p99MsMax = Math.max(1.2 * calmP99Ms, calmP99Ms + 50);
  const healthy = [...calm, ...beside].flatMap((one) => one.healthy);
  const dead = beside.flatMap((one) => one.dead);
  const harm = await cas.harm();
  const p50Ms = { calm: median(calm.map((one) => one.p50Ms)), beside: median(beside.map((one) => one.p50Ms)) };
  const whole = (ms: number): number => Math.round(ms);
  const times = { calmP99Ms: whole(calmP99Ms), p99Ms: whole(p99Ms), p99MsMax: whole(p99MsMax) };
  const counts = {
    signatures: harm.signatures,
    breakers: harm.breakers.length,
    backOffs: Object.keys(harm.backOff).length,
  };
  console.table([{ depth, calmP50Ms: whole(p50Ms.calm), p50Ms: whole(p50Ms.beside), ...times, ...counts }]);
  console.table({ healthy: tally(healthy), dead: tally(dead) });
  console.table(calm.map((one, pair) => ({ calmP99Ms: whole(one.p99Ms), p99Ms: whole(beside[pair]?.p99Ms ?? 0) })));
  expect(harm).toEqual(noHarm);
  expect(tally(healthy)).toEqual({ 201: healthy.length });
  expect(dead.filter(({ status }) => status === 201)).toEqual([]);
  expect(p99Ms).toBeLessThanOrEqual(p99MsMax);
}

it('the registry says active, the keys are gone', async () => {
  cas.destroyKeys();
  await compare('keys gone');
  expect(await cas.traces()).toMatchObject({ quarantined: deadCount });
});

it('disabled, the front ends were not told', async () => {
  await cas.disableUnheard();
  const before = await cas.traces();
  await compare('push cut');
  expect((await cas.traces()).serials).toBe(before.serials);
});

it('disabled, and the front ends know', async () => {
  await cas.tellFrontEnds();
  const before = await cas.traces();
  await compare('push working');
  expect(await cas.traces()).toEqual(before);
});

it('every accepted request ended, by witness, client history and ledger', async () => {
  await cas.system.settle(30_000);
  const { violations } = await cas.system.audit([...cas.healthy.answers, ...cas.requester.answers], 60_000);
  expect(violations).toEqual([]);
});
