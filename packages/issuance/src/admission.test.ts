import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitsInS,
  flowsListed,
  type LaneCount,
  type Load,
  laneTable,
  predictedWaitS,
  waitShareMax,
} from './admission.js';
import { type RequestClass, requestClasses, signingShares } from './lane.js';

const nothingSince = { lane: 0, flow: 0, newFlows: 0, seconds: 0 };
const interactive = { class: 'interactive', keyGroup: 'default' } as const;

/** A lane with so much ahead in each flow, and all of it open. */
function laneOf(aheads: readonly number[], requestClass: RequestClass = 'interactive'): LaneCount {
  const flows = aheads.map((ahead, index) => ({ account: `a${index}`, ca: 'root', open: ahead, ahead }));
  flows.sort((a, b) => b.open - a.open);
  const claimable = aheads.reduce((sum, ahead) => sum + ahead, 0);
  const counts = { queued: claimable, claimable, signing: 0, flows: aheads.filter((ahead) => ahead > 0).length };
  return { class: requestClass, keyGroup: 'default', ...counts, largest: flows.slice(0, flowsListed) };
}

const loadOf = (lanes: readonly LaneCount[], perSecond: number | null = 1): Load => ({
  ...{ ageMs: 0, frontEnds: 1, lanes },
  capacities: { default: perSecond },
});

/** Signatures before new work of that flow has its turn, when flows take turns from `first` on. */
function rowsBefore(aheads: readonly number[], own: number, first: number): number {
  const left = aheads.map((ahead, index) => ahead + (index === own ? 1 : 0));
  for (let signed = 0, turn = first; ; turn = (turn + 1) % left.length) {
    if (left[turn] === 0) continue;
    left[turn] = (left[turn] ?? 0) - 1;
    if (turn === own && left[turn] === 0) return signed;
    signed += 1;
  }
}

const waitOf = (load: Load, account: string) => {
  const table = laneTable(load, interactive);
  return predictedWaitS(table, table.flow(account, 'root'), nothingSince);
};

describe('the predicted wait', () => {
  const lanes = fc.array(fc.nat(30), { minLength: 1, maxLength: 130 });

  it('is never shorter than flows that take turns would make it, nor longer than all that is open', () => {
    fc.assert(
      fc.property(lanes, fc.nat(), fc.nat(), (aheads, own, first) => {
        const flow = own % aheads.length;
        const waitS = waitOf(loadOf([laneOf(aheads)]), `a${flow}`);
        expect(waitS).toBeGreaterThanOrEqual(rowsBefore(aheads, flow, first % aheads.length));
        expect(waitS).toBeLessThanOrEqual(aheads.reduce((sum, ahead) => sum + ahead, 0));
      }),
    );
  });

  it('of a flow that is not listed is not shorter either', () => {
    const aheads = Array.from({ length: flowsListed + 20 }, () => 3);
    expect(waitOf(loadOf([laneOf(aheads)]), 'a119')).toBeGreaterThanOrEqual(rowsBefore(aheads, 119, 0));
  });

  it('grows with what is admitted, and shrinks with time', () => {
    const table = laneTable(loadOf([laneOf([5, 5])]), interactive);
    const waits = [0, 1, 2].map((more) =>
      predictedWaitS(table, table.flow('a0', 'root'), { ...nothingSince, lane: more, flow: more }),
    );
    expect(waits).toEqual([10, 11, 12]);
    const later = { ...nothingSince, lane: 2, flow: 2, seconds: 4 };
    expect(predictedWaitS(table, table.flow('a0', 'root'), later)).toBe(8);
    expect(predictedWaitS(table, table.flow('a0', 'root'), { ...later, seconds: 60 })).toBe(0);
  });

  it('knows nothing of what is held, of other lanes, or without a capacity', () => {
    const held = { ...laneOf([9]), claimable: 0, flows: 0, largest: [] };
    const elsewhere = { ...laneOf([9]), keyGroup: 'other' };
    expect(waitOf(loadOf([held, elsewhere]), 'a0')).toBe(0);
    expect(waitOf(loadOf([laneOf([9])], null), 'a0')).toBe(0);
    expect(waitOf({ ...loadOf([laneOf([9])]), capacities: {} }, 'a0')).toBe(0);
    expect(waitOf(loadOf([laneOf([9])], 0), 'a0')).toBe(Number.POSITIVE_INFINITY);
  });
});

it('classes that want all there is have their shares of it, and one that is alone has all', () => {
  fc.assert(
    fc.property(fc.subarray([...requestClasses], { minLength: 1 }), (wanting) => {
      const load = loadOf(
        wanting.map((one) => laneOf([1], one)),
        100,
      );
      const got = wanting.map((one) => laneTable(load, { class: one, keyGroup: 'default' }).perSecond ?? 0);
      expect(got.reduce((sum, perSecond) => sum + perSecond, 0)).toBeCloseTo(100);
      for (const [index, one] of wanting.entries())
        expect((got[index] ?? 0) / (got[0] ?? 0)).toBeCloseTo(
          signingShares[one] / signingShares[wanting[0] ?? 'urgent'],
        );
      expect(laneTable(loadOf([], 100), interactive).perSecond).toBe(100);
    }),
  );
});

it('fits when it leaves a margin; a day is long enough for a token that hangs, but not for what it can never sign', () => {
  const table = laneTable(loadOf([]), interactive);
  expect(fitsInS(table, 6 * waitShareMax, 6000)).toBe(0);
  expect(fitsInS(table, 6, 6000)).toBeCloseTo(6 - 6 * waitShareMax);
  const hanging = laneTable(loadOf([laneOf([9])], 0), interactive);
  expect(fitsInS(hanging, Number.POSITIVE_INFINITY, 6000)).toBe(Number.POSITIVE_INFINITY);
  expect(fitsInS(hanging, Number.POSITIVE_INFINITY, 86_400_000)).toBe(0);
  expect(fitsInS(table, 100_000, 86_400_000)).toBeGreaterThan(0);
});
