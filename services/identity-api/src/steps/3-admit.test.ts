import { asSluiceError } from '@sluice/errors';
import type { FlowLoad, LaneCount, Load } from '@sluice/issuance';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Admission, createAdmission } from './3-admit.js';
import { type Ask, createLoadView, type LoadView, type Place } from './3-load-view.js';

const day = 86_400_000;
const order: Ask = {
  class: 'interactive',
  keyGroup: 'default',
  account: 'demo',
  ca: 'root',
  held: false,
  waitMs: 5000,
};
const polled: Ask = { ...order, class: 'async', waitMs: day };

let nowMs: number;
let load: Load;
let view: LoadView;
let admission: Admission;
beforeEach(() => {
  nowMs = 0;
  load = { ageMs: 0, frontEnds: 1, capacities: { default: 10 }, lanes: [] };
  view = createLoadView(
    async () => load,
    () => nowMs,
  );
  const openRequestsMax = { perLane: 100, perAccount: 80, perFlow: 60 };
  admission = createAdmission({ view, openRequestsMax, monotonicMs: () => nowMs, random: () => 0 });
});

/** Interactive unless told otherwise; all of it ahead unless told otherwise. */
function lane(flows: readonly Partial<FlowLoad>[], more: Partial<LaneCount> = {}): LaneCount {
  const largest = flows.map((flow) => ({ account: 'demo', ca: 'root', open: 0, ahead: flow.open ?? 0, ...flow }));
  const ahead = largest.reduce((sum, flow) => sum + flow.ahead, 0);
  const queued = largest.reduce((sum, flow) => sum + flow.open, 0);
  const counts = { queued, claimable: ahead, signing: 0, flows: largest.filter((flow) => flow.ahead > 0).length };
  return { class: 'interactive', keyGroup: 'default', ...counts, largest, ...more };
}

/** The next second begins, with what is open then. */
async function sampled(lanes: readonly LaneCount[], more: Partial<Load> = {}): Promise<void> {
  load = { ...load, lanes, ...more };
  nowMs += 1000;
  await view.sample();
}

const places: Place[] = [];
function tried(ask: Ask): string {
  try {
    places.push(admission.admit(ask));
    return 'admitted';
  } catch (thrown) {
    return asSluiceError(thrown).code;
  }
}
const admittedOf = (count: number, ask: Ask) =>
  Array.from({ length: count }, () => tried(ask)).filter((said) => said === 'admitted').length;
/** Uses up what is let in to see whether anything is signed. */
const probe = (ask: Ask) => tried(ask);

describe('what would not be signed in time', () => {
  it('is refused; what fits, and what has more time, is let in', async () => {
    await sampled([lane([{ open: 30 }])]);
    expect(tried(order)).toBe('admitted');
    probe(order);
    expect(tried(order)).toBe('overloaded');
    expect(tried({ ...order, waitMs: 6000 })).toBe('admitted');
    expect(tried(polled)).toBe('admitted');
  });

  it('is told when there is room, and not the same to all', async () => {
    const hurried = { ...order, waitMs: 2000 };
    await sampled([lane([{ open: 50 }])]);
    probe(hurried);
    const told = Array.from({ length: 20 }, () => {
      try {
        return void admission.admit(hurried);
      } catch (thrown) {
        return asSluiceError(thrown).retryAfterS;
      }
    });
    // 5.1 s of work, of which all but 1.2 s are too many for a wait of 2 s; of 10 a second 8 are promised.
    expect(told).toEqual([...Array(8).fill(4), ...Array(8).fill(5), ...Array(4).fill(6)]);
  });

  it('is let in once a second over all front ends, so that signing that begins again is seen', async () => {
    await sampled([lane([{ open: 10 }])], { capacities: { default: 0 } });
    expect(admittedOf(5, order)).toBe(1);
    await sampled([lane([{ open: 10 }])], { frontEnds: 3 });
    expect(admittedOf(5, order)).toBe(0);
    nowMs += 2000;
    expect(admittedOf(5, order)).toBe(1);
  });

  it('an empty lane takes whatever comes, even while nothing is signed', async () => {
    await sampled([], { capacities: { default: 0 } });
    expect(tried(order)).toBe('admitted');
    probe(order);
    expect(tried(order)).toBe('overloaded');
  });

  it('is told to come back soon while nothing is signed, and may be polled for', async () => {
    await sampled([lane([{ open: 10 }])], { capacities: { default: 0 } });
    probe(order);
    expect(() => admission.admit(order)).toThrow(expect.objectContaining({ code: 'overloaded', retryAfterS: 5 }));
    expect([admission.fits(order), admission.fits(polled)]).toEqual([false, true]);
    expect(admittedOf(5, polled)).toBe(5);
  });

  it('nobody knows while nothing was signed yet: the caps alone refuse', async () => {
    await sampled([lane([{ open: 50 }])], { capacities: { default: null } });
    expect(admittedOf(20, order)).toBe(10);
    expect(tried(order)).toBe('account-full');
  });
});

it('work of a quarantined CA is let in to be held, up to the caps, and keeps nobody waiting', async () => {
  const held: Ask = { ...order, ca: 'dead', held: true, waitMs: 1000 };
  await sampled([lane([{ open: 10 }])], { capacities: { default: 10 } });
  expect(admittedOf(100, held)).toBe(60);
  expect(admittedOf(5, order)).toBe(5);
});

it('what is held does not go by itself, however fast others are signed and however old the count is', async () => {
  await sampled([lane([{ ca: 'dead', open: 55, ahead: 0 }])], { capacities: { default: 1000 } });
  nowMs += 900;
  expect(admittedOf(100, { ...order, ca: 'dead', held: true })).toBe(5);
  await sampled([lane([{ ca: 'dead', open: 78, ahead: 0 }])]);
  nowMs += 900;
  expect(admittedOf(100, { ...order, ca: 'dead', held: true })).toBe(0);
  await sampled([lane([{ ca: 'dead', open: 80, ahead: 0 }])]);
  nowMs += 900;
  expect(tried(order)).toBe('account-full');
});

describe('what was admitted since the count', () => {
  it('counts as often as there are front ends, less what was signed meanwhile', async () => {
    await sampled([lane([{ open: 20 }])], { frontEnds: 2 });
    probe({ ...order, waitMs: 0 });
    expect(admittedOf(20, order)).toBe(5);
    nowMs += 1000;
    // 10 were signed: room for half of that here, and for one by way of trial.
    expect(admittedOf(20, order)).toBe(5);
  });

  it('is in the next count once it was stored, and stays counted until then', async () => {
    places.length = 0;
    await sampled([lane([{ open: 28 }])]);
    probe({ ...order, waitMs: 0 });
    expect(admittedOf(5, order)).toBe(2);
    const [, first, second] = places;
    first?.stored();
    await sampled([lane([{ open: 28 }])]);
    probe({ ...order, waitMs: 0 });
    expect(tried(order)).toBe('overloaded');
    second?.giveBack();
    expect([tried(order), tried(order)]).toEqual(['admitted', 'overloaded']);
  });

  it('of an old count is what was stored since it was made', async () => {
    await sampled([], {});
    places.length = 0;
    expect(admittedOf(3, order)).toBe(3);
    for (const place of places) place.stored();
    await sampled([lane([{ open: 31 }])], { ageMs: 2000, capacities: { default: 0.001 } });
    expect(view.forecast().waitS.get('interactive.default')).toBe(3600);
    await sampled([lane([{ open: 25 }])], { ageMs: 2500, capacities: { default: 10 } });
    expect(view.forecast().waitS.get('interactive.default')).toBe(0.3);
  });
});

describe('one account that floods', () => {
  it('waits for itself: others are let in', async () => {
    await sampled([lane([{ open: 58 }])]);
    probe(order);
    expect(tried(order)).toBe('overloaded');
    for (const account of ['a', 'b', 'c']) expect(tried({ ...order, account })).toBe('admitted');
  });

  it('many small flows wait for each other', async () => {
    const flows = Array.from({ length: 90 }, (_, index) => ({ account: `a${index}`, open: 1 }));
    await sampled([lane(flows)]);
    probe(order);
    expect(tried(order)).toBe('overloaded');
  });

  it('who orders what cannot be stored is no crowd of flows: those who share the lane with it are let in as before', async () => {
    await sampled([lane([{ open: 58 }])]);
    for (let times = 0; times < 50; times += 1) admission.admit({ ...order, account: 'wrong' }).giveBack();
    for (const account of ['a', 'b', 'c']) expect(tried({ ...order, account })).toBe('admitted');
  });

  it('and so do many that come between two counts', () => {
    expect(Array.from({ length: 200 }, (_, index) => tried({ ...order, account: `a${index}` }))).toContain('lane-full');
  });
});

describe('caps', () => {
  it('account-full: of its flows together, and of one flow, whatever is held counted', async () => {
    const held = [
      { open: 40, ahead: 0 },
      { ca: 'b', open: 38, ahead: 0 },
      { account: 'other', open: 60, ahead: 0 },
    ];
    await sampled([lane(held)], { capacities: { default: 1000 } });
    expect(admittedOf(5, { ...order, ca: 'c' })).toBe(2);
    expect(tried(polled)).toBe('account-full');
    expect(tried({ ...order, account: 'other' })).toBe('account-full');
    expect(tried({ ...order, account: 'other', ca: 'b' })).toBe('admitted');
  });

  it('lane-full: of all together, without what is held; other lanes go on', async () => {
    const flows = [
      { open: 50, ahead: 0 },
      { account: 'a', open: 50 },
      { account: 'b', open: 48 },
    ];
    await sampled([lane(flows)], { capacities: {} });
    expect([1, 2, 3].map(() => tried({ ...order, account: 'c' }))).toEqual(['admitted', 'admitted', 'lane-full']);
    expect(tried(polled)).toBe('admitted');
  });

  it('without a count the own admissions add up', () => {
    expect(admittedOf(100, order)).toBe(60);
    expect(tried(order)).toBe('account-full');
  });
});
