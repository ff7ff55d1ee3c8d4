import { type Answer, testProfiles } from '@sluice/testkit';
import { expect, it } from 'vitest';
import { plantBug } from '../crash/plant-bug.js';
import { noHarm } from './dead-cas.js';
import { cas, deadCount } from './one-incident.js';

// The incident in small, at three depths, one after the other as the registry's word spreads. At full size, and with
// times: dead-cas.soak.ts.

const rounds = 2;
/** Rounds after which what was to come will not. */
const patience = 30;

interface Storm {
  readonly dead: readonly Answer[];
  readonly healthy: readonly Answer[];
}

/**
 * Every dead CA is asked for in each round, beside healthy orders from before the first until after the last. A wait of
 * 1 s keeps the rounds short in which nobody is answered before it ends.
 */
async function storm(
  goesOn: (storm: Storm, round: number) => boolean | Promise<boolean>,
  prefer?: string,
): Promise<Storm> {
  const dead: Answer[] = [];
  const healthy: Answer[] = [];
  let over = false;
  const loops = [testProfiles.p256, testProfiles.p256, testProfiles.rsa, testProfiles.short].map(async (profile) => {
    do healthy.push(await cas.askForHealthy(profile));
    while (!over);
  });
  for (let round = 0; await goesOn({ dead, healthy }, round); round += 1) {
    dead.push(...(await Promise.all(cas.names.map(() => cas.askForDead(prefer)))));
  }
  over = true;
  await Promise.all(loops);
  return { dead, healthy };
}
const fewRounds = (_: Storm, round: number): boolean => round < rounds;
const notIssued = (answers: readonly Answer[]): Answer[] => answers.filter(({ status }) => status !== 201);
/** What was said at all. On a machine that stands still for a moment a front end may have to say that it does not know. */
const told = (answers: readonly Answer[]): string[] => [
  ...new Set(
    answers
      .filter(({ code }) => code !== 'outcome-unknown')
      .map(({ status, code, fate }) => `${status} ${code ?? ''} ${fate}`),
  ),
];

/** Whoever asks for a dead CA learns that it is disabled, and nobody else notices. */
async function onlyTheDeadAreRefused({ dead, healthy }: Storm): Promise<void> {
  expect(told(dead)).toEqual(['409 ca-disabled not-issued']);
  expect(notIssued(healthy)).toEqual([]);
  expect(await cas.harm()).toEqual(noHarm);
}

it('the registry says active and the keys are gone: quarantined and held, and nobody else notices', async () => {
  cas.destroyKeys();
  const found = await storm(
    async (_, round) => round < patience && (await cas.traces()).quarantined < deadCount,
    'wait=1',
  );
  const before = await cas.traces();
  expect(before.quarantined).toBe(deadCount);
  const after = await storm(fewRounds, 'wait=1');
  // Before a signer had asked the token nothing spoke for holding them.
  expect(told(found.dead)).not.toContain('201  issued');
  expect(told(after.dead)).toEqual(['202  continuing']);
  expect(notIssued([...found.healthy, ...after.healthy])).toEqual([]);
  expect(await cas.harm()).toEqual(noHarm);
  // Once a CA is quarantined nothing of it is taken to be given back.
  expect((await cas.traces()).serials).toBe(before.serials);
});

it('disabled, and the front ends were not told: accepted, and rejected by the claim', async () => {
  await cas.disableUnheard();
  const before = await cas.traces();
  await onlyTheDeadAreRefused(await storm(fewRounds));
  const after = await cas.traces();
  expect(after.rejected - before.rejected).toBe(deadCount * rounds);
  expect(after.serials).toBe(before.serials);
});

it('with signers that step back after any failure, as in the incident, the same harms healthy orders', async () => {
  const remove = await plantBug(cas.system, 'steps-back');
  try {
    const { healthy } = await storm((seen, round) => notIssued(seen.healthy).length === 0 && round < 10 * patience);
    expect(told(notIssued(healthy))).toContain('503 not-issued not-issued');
  } finally {
    await remove();
  }
});

it('the front ends were told: refused at once, nothing stored', async () => {
  await cas.tellFrontEnds();
  const before = await cas.traces();
  await onlyTheDeadAreRefused(await storm(fewRounds));
  expect(await cas.traces()).toEqual(before);
});

it('every accepted request ended, by witness, client history and ledger', async () => {
  await cas.system.settle(30_000);
  const { violations } = await cas.system.audit([...cas.healthy.answers, ...cas.requester.answers], 60_000);
  expect(violations).toEqual([]);
});
