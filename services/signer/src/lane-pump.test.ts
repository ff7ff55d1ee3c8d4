import { SluiceError } from '@sluice/errors';
import { flowName, type Lane } from '@sluice/issuance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaimSlots } from './claim-slots.js';
import { createLanePump, type LanePump } from './lane-pump.js';
import type { Work } from './testing/policing-ledger.js';
import { createTestSigner, profileDocument, type TestSigner } from './testing/test-signer.js';

const lane: Lane = { class: 'interactive', keyGroup: 'default' };
let signer: TestSigner;
let pump: LanePump;

beforeEach(async () => {
  signer = await createTestSigner();
  pump = createLanePump(signer.context, new ClaimSlots(4), lane);
});
afterEach(async () => {
  await pump.drain();
  expect(signer.ledger.violations).toEqual([]);
});

/** Resolves when the bell has rung for this request. */
function issued(work: Work): Promise<void> {
  const { bell } = signer.context;
  const { ring } = bell;
  return new Promise((resolve) => {
    bell.ring = (ids) => {
      ring(ids);
      if (ids.includes(work.row.requestId)) resolve();
    };
  });
}

/** '' is a flow that is not known. */
function turn(requestIds: readonly string[], ageMs = 1, flow = '') {
  const requests = requestIds.map((requestId) => ({ requestId, flow }));
  return { lane, count: Math.max(1, requestIds.length), requests, ageMs };
}

/** Resolves at the next call of this verb, or the one after `passed` of them; the call itself waits until `letGo`. */
function holdFirst(verb: string, passed = 0): { reached: Promise<void>; letGo: () => void } {
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let calls = 0;
  const reached = new Promise<void>((resolve) => {
    signer.ledger.onCall = (called) => {
      if (called !== verb) return undefined;
      calls += 1;
      if (calls !== passed + 1) return undefined;
      resolve();
      return gate;
    };
  });
  return { reached, letGo };
}

/** A pump with one slot, which its first claim of a backlog of 150 has until `letGo`; `flood` is the turn of that claim. */
async function backlogged(): Promise<{ alone: LanePump; letGo: () => void; flood: Promise<void> }> {
  const alone = createLanePump(signer.context, new ClaimSlots(1), lane);
  Array.from({ length: 150 }, () => signer.accept('tls'));
  const { reached, letGo } = holdFirst('complete');
  const flood = alone.onTurn(turn([]));
  await reached;
  return { alone, letGo, flood };
}

describe('a turn', () => {
  it('that is calm claims its own requests and no more', async () => {
    const mine = signer.accept('tls');
    const other = signer.accept('tls');
    await pump.onTurn(turn([mine.row.requestId]));
    expect([mine.state, other.state]).toEqual(['issued', 'queued']);
    expect(signer.ledger.claims.map(({ countMax }) => countMax)).toEqual([1]);
  });

  it('that waited, or has no ids, claims by policy', async () => {
    const works = [signer.accept('tls'), signer.accept('tls')];
    await pump.onTurn(turn([works[0]?.row.requestId ?? ''], 51));
    expect(works.map(({ state }) => state)).toEqual(['issued', 'issued']);
    await pump.onTurn(turn([]));
    expect(signer.ledger.claims.every(({ requestIds }) => requestIds === undefined)).toBe(true);
  });

  it('of another lane’s work takes nothing', async () => {
    const work = signer.accept('tls');
    work.class = 'background';
    await pump.onTurn(turn([work.row.requestId]));
    expect(work.state).toBe('queued');
  });

  it('never fails for what the ledger or the queue did', async () => {
    const work = signer.accept('tls');
    signer.ledger.fail('claim', 'unavailable', false);
    await pump.onTurn(turn([work.row.requestId]));
    expect(work.state).toBe('queued');
    await pump.onTurn(turn([work.row.requestId]));
    expect(work.state).toBe('issued');
  });
});

describe('a full claim', () => {
  it('is followed by another at once, which does not wait for its signatures', async () => {
    Array.from({ length: 150 }, () => signer.accept('tls'));
    const { reached, letGo } = holdFirst('complete');
    const done = pump.onTurn(turn([]));
    await reached;
    letGo();
    await done;
    await pump.drain();
    expect(signer.ledger.states()).toEqual({ issued: 150 });
    expect(signer.ledger.calls.map(({ verb }) => verb).indexOf('complete')).toBeGreaterThan(
      signer.ledger.calls.map(({ verb }) => verb).indexOf('claim', 2),
    );
  });

  it('of a CA that is left alone is none: its rows are not taken to be given back, and others are served', async () => {
    const works = Array.from({ length: 150 }, () => signer.accept('documents'));
    for (let count = 0; count < 6; count += 1) {
      signer.clock.pass(30_000);
      signer.context.backOff.failed('slow', 'key-missing');
    }
    for (let count = 0; count < 10; count += 1) await pump.onTurn(turn([]));
    await pump.onTurn(turn([works[0]?.row.requestId ?? '']));
    await pump.onTurn(turn([signer.accept('tls').row.requestId]));
    expect(signer.ledger.states()).toEqual({ queued: 150, issued: 1 });
    expect(works.every(({ attempt }) => attempt === 0)).toBe(true);
  });

  it('of a profile that is refused here is not either', async () => {
    signer.addProfile(profileDocument('extra', 'fast'));
    signer.ledger.templateConflicts.add('extra');
    signer.snapshot.accounts[0]?.profiles.push('extra');
    await signer.apply();
    Array.from({ length: 70 }, () => signer.accept('extra', { ca: 'fast' }));
    await pump.onTurn(turn([]));
    await pump.drain();
    expect(signer.ledger.claims.length).toBe(1);
    expect(signer.ledger.states()).toEqual({ queued: 70 });
  });
});

describe('fairness', () => {
  it('while there is a backlog no turn’s ids go before the turns of the flows, however calm the turn is', async () => {
    Array.from({ length: 150 }, () => signer.accept('tls'));
    const { reached, letGo } = holdFirst('claim', 1);
    const flood = pump.onTurn(turn([]));
    await reached;
    const ofFlood = signer.accept('tls');
    const calm = pump.onTurn(turn([ofFlood.row.requestId]));
    letGo();
    await Promise.all([flood, calm]);
    await expect.poll(() => signer.ledger.states()).toEqual({ issued: 151 });
    expect(signer.ledger.claims.filter(({ requestIds }) => requestIds !== undefined)).toEqual([]);
  });

  it('but a turn of a flow that has nothing in hand does not wait for the claims of another', async () => {
    const { alone, letGo, flood } = await backlogged();
    const same = signer.accept('tls');
    const behind = alone.onTurn(turn([same.row.requestId], 1, flowName(same.row.account, same.row.ca)));
    const fresh = signer.accept('documents');
    await alone.onTurn(turn([fresh.row.requestId], 1, flowName(fresh.row.account, fresh.row.ca)));
    await expect.poll(() => fresh.state).toBe('issued');
    expect(same.state).toBe('queued');
    letGo();
    await Promise.all([flood, behind]);
    await expect.poll(() => signer.ledger.states()).toEqual({ issued: 152 });
    await alone.drain();
    expect(signer.ledger.claims.flatMap(({ requestIds }) => requestIds ?? [])).toEqual([fresh.row.requestId]);
  });

  it('and keeps no turn from being seen behind those of the backlog, whose claims follow each other', async () => {
    const { alone, letGo, flood } = await backlogged();
    await Promise.all(Array.from({ length: 20 }, () => alone.onTurn(turn([]))));
    // Unless something keeps them: then a turn is kept as well, for signers that can claim.
    signer.clock.pass(200);
    let kept = true;
    const late = alone.onTurn(turn([])).then(() => {
      kept = false;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(kept).toBe(true);
    letGo();
    await Promise.all([flood, late]);
    await expect.poll(() => signer.ledger.states()).toEqual({ issued: 150 });
    await alone.drain();
  });

  it('but not after a claim that failed, which nothing follows', async () => {
    const alone = createLanePump(signer.context, new ClaimSlots(1), lane);
    Array.from({ length: 150 }, () => signer.accept('tls'));
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let claims = 0;
    signer.ledger.onCall = (verb) => {
      if (verb !== 'claim') return undefined;
      claims += 1;
      if (claims === 2) throw new SluiceError('unavailable');
      return claims > 2 ? held : undefined;
    };
    await alone.onTurn(turn([]));
    await expect.poll(() => claims).toBe(2);
    await signer.context.claimsUnderWay.ended();
    let kept = true;
    const turned = alone.onTurn(turn([])).then(() => {
      kept = false;
    });
    await expect.poll(() => claims).toBe(3);
    expect(kept).toBe(true);
    letGo();
    await turned;
    await alone.drain();
  });

  it('and of such flows two are claimed at once, each once', async () => {
    const alone = createLanePump(signer.context, new ClaimSlots(0), lane);
    let claims = 0;
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    signer.ledger.onCall = (verb) => {
      if (verb !== 'claim') return undefined;
      claims += 1;
      return gate;
    };
    const works = Array.from({ length: 6 }, () => signer.accept('tls'));
    works.forEach(({ row }, index) => void alone.onTurn(turn([row.requestId], 1, `account-${index >> 1} fast`)));
    await expect.poll(() => claims).toBe(2);
    letGo();
    await expect.poll(() => signer.ledger.states()).toEqual({ issued: 2, queued: 4 });
    // The second turn of a flow is not fresh, though the claim of the first has not answered yet.
    expect([works[0]?.state, works[2]?.state]).toEqual(['issued', 'issued']);
  });

  it('and when the backlog is gone, turns are calm again', async () => {
    Array.from({ length: 70 }, () => signer.accept('tls'));
    await pump.onTurn(turn([]));
    await expect.poll(() => signer.ledger.states()).toEqual({ issued: 70 });
    await pump.onTurn(turn([signer.accept('tls').row.requestId]));
    expect(signer.ledger.claims.at(-1)?.requestIds).toHaveLength(1);
  });
});

describe('an empty claim', () => {
  it('makes turns without work wait ever longer, and those that come meanwhile share one claim', async () => {
    const startedAtMs = signer.clock.monotonicMs();
    for (let round = 0; round < 8; round += 1) {
      await Promise.all(Array.from({ length: 10 }, () => pump.onTurn(turn([]))));
    }
    expect(signer.ledger.claims.length).toBe(8);
    expect(signer.clock.monotonicMs() - startedAtMs).toBeGreaterThanOrEqual(5 + 10 + 20 + 40 + 80 + 100 + 100);
  });

  it('loses no turn, and neither calm turns nor the next after work wait', async () => {
    for (let round = 0; round < 8; round += 1) await pump.onTurn(turn([]));
    const late = signer.accept('tls');
    let pauses = 0;
    const { pause } = signer.clock;
    signer.clock.pause = async (waitMs) => {
      pauses += 1;
      await pause.call(signer.clock, waitMs);
    };
    const calm = signer.accept('tls');
    await pump.onTurn(turn([calm.row.requestId]));
    expect([calm.state, pauses]).toEqual(['issued', 0]);
    await pump.onTurn(turn([late.row.requestId], 51));
    expect([late.state, pauses]).toEqual(['issued', 1]);
    const next = signer.accept('tls');
    await pump.onTurn(turn([]));
    expect([next.state, pauses]).toEqual(['issued', 1]);
  });
});

it('a claim that only rejected is not empty: what comes next does not wait', async () => {
  signer.ledger.disabled.add('slow');
  let pauses = 0;
  signer.clock.pause = async () => {
    pauses += 1;
  };
  for (let round = 0; round < 8; round += 1) {
    signer.accept('documents');
    await pump.onTurn(turn([], 51));
  }
  const next = signer.accept('tls');
  await pump.onTurn(turn([next.row.requestId], 51));
  expect([pauses, signer.ledger.states()]).toEqual([0, { rejected: 8, issued: 1 }]);
});

describe('slots', () => {
  it('bound the claims in flight, and turns that cannot be served yet share the next claim', async () => {
    pump = createLanePump(signer.context, new ClaimSlots(1), lane);
    const { reached, letGo } = holdFirst('claim');
    const first = pump.onTurn(turn([signer.accept('tls').row.requestId]));
    await reached;
    const waiting = Array.from({ length: 5 }, () => pump.onTurn(turn([signer.accept('tls').row.requestId])));
    letGo();
    await Promise.all([first, ...waiting]);
    expect(signer.ledger.states()).toEqual({ issued: 6 });
    expect(signer.ledger.claims.length).toBe(2);
  });
});

describe('a key that hangs', () => {
  it('keeps neither a slot nor a turn: others are claimed and signed', async () => {
    signer = await createTestSigner(2500);
    pump = createLanePump(signer.context, new ClaimSlots(1), lane);
    const hangs = signer.accept('documents');
    const other = signer.accept('tls');
    signer.keyStore.onSign = (ca) => (ca === 'slow' ? new Promise(() => undefined) : undefined);
    await pump.onTurn(turn([hangs.row.requestId]));
    await pump.onTurn(turn([other.row.requestId]));
    expect([hangs.state, other.state]).toEqual(['signing', 'issued']);
    await pump.drain();
    expect(hangs.state).toBe('queued');
  });
});

describe('polling', () => {
  it('asks the ledger once a second and finds what no turn told of', async () => {
    const work = signer.accept('tls');
    const done = issued(work);
    pump.poll();
    pump.poll();
    await done;
    expect([work.state, signer.ledger.claims.length]).toEqual(['issued', 1]);
  });

  it('rests for a second after a claim by policy, not after calm turns', async () => {
    await pump.onTurn(turn([signer.accept('tls').row.requestId]));
    const left = signer.accept('tls');
    pump.poll();
    await pump.onTurn(turn([]));
    expect(left.state).toBe('issued');
    const claims = signer.ledger.claims.length;
    pump.poll();
    await pump.onTurn(turn([signer.accept('tls').row.requestId]));
    expect(signer.ledger.claims.length).toBe(claims + 1);
    signer.clock.pass(1000);
    const done = issued(signer.accept('tls'));
    pump.poll();
    await done;
    expect(signer.ledger.claims.length).toBe(claims + 2);
  });
});

describe('draining', () => {
  it('finishes the running cycle and claims nothing new', async () => {
    const works = [signer.accept('tls'), signer.accept('tls')];
    const { reached, letGo } = holdFirst('complete');
    const cycle = pump.onTurn(turn([works[0]?.row.requestId ?? '']));
    await reached;
    const drained = pump.drain();
    await pump.onTurn(turn([works[1]?.row.requestId ?? '']));
    pump.poll();
    letGo();
    await Promise.all([cycle, drained]);
    expect(works.map(({ state }) => state)).toEqual(['issued', 'queued']);
  });
});

describe('a signer that must not claim', () => {
  it.each(['token-failed', 'clock-skewed'] as const)(
    '(%s) leaves the work to others and goes on by itself',
    async (code) => {
      const work = signer.accept('tls');
      signer.hindrance = new SluiceError(code);
      const begunMs = signer.clock.monotonicMs();
      await pump.onTurn(turn([work.row.requestId]));
      pump.poll();
      await pump.onTurn(turn([]));
      expect([work.state, signer.ledger.claims.length]).toEqual(['queued', 0]);
      // Each turn was kept for a second, so that this signer does not take them all.
      expect(signer.clock.monotonicMs() - begunMs).toBeGreaterThanOrEqual(2000);
      signer.hindrance = undefined;
      await pump.onTurn(turn([]));
      expect(work.state).toBe('issued');
    },
  );
});
