import type { Lane } from '@sluice/issuance';
import type { LaneLoad } from '@sluice/ledger';
import { afterEach, expect, it } from 'vitest';
import { type Admission, createAdmission } from './3-admit.js';

const interactive: Lane = { class: 'interactive', keyGroup: 'default' };
const background: Lane = { class: 'async', keyGroup: 'default' };
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

let admission: Admission;
afterEach(() => admission.sampler.stop(100));

function make(readLaneLoads: () => Promise<LaneLoad[]>): Admission {
  admission = createAdmission({ readLaneLoads, openRequestsMax: 3, monotonicMs: () => 0, log, intervalMs: 60_000 });
  return admission;
}

const admitted = (lane: Lane) => {
  try {
    admission.admit(lane);
    return true;
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'lane-full' });
    return false;
  }
};

it('counts its own admissions between samples, lane by lane', () => {
  make(async () => []);
  expect([1, 2, 3, 4].map(() => admitted(interactive))).toEqual([true, true, true, false]);
  expect(admitted(background)).toBe(true);
  admission.giveBack(interactive);
  expect([admitted(interactive), admitted(interactive)]).toEqual([true, false]);
});

it('a sample replaces what was counted, except what was admitted while it was read', async () => {
  let answer: (loads: LaneLoad[]) => void = () => undefined;
  make(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  expect([1, 2, 3].map(() => admitted(interactive))).toEqual([true, true, true]);
  expect(admission.sampleAgeMs()).toBeUndefined();
  await admission.sampler.start();
  admission.giveBack(interactive);
  expect(admitted(interactive)).toBe(true);
  expect(admitted(background)).toBe(true);
  answer([{ ...interactive, queued: 1, claimable: 1, signing: 1, oldestAgeMs: 0 }]);
  await expect.poll(() => admission.sampleAgeMs()).toBe(0);
  // 2 open by the sample (one given back and one admitted since cancel out): room for one more.
  expect([admitted(interactive), admitted(interactive)]).toEqual([true, false]);
  expect([1, 2, 3].map(() => admitted(background))).toEqual([true, true, false]);
});
