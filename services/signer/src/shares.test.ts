import { type RequestClass, requestClasses } from '@sluice/issuance';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClaimSlots } from './claim-slots.js';
import { hex } from './hex.js';
import { createLanePump, type LanePump } from './lane-pump.js';
import type { Work } from './testing/policing-ledger.js';
import { createTestSigner, type TestSigner } from './testing/test-signer.js';

/** A token that signs one by one, when the test says so. */
let token: (() => void)[];
let signer: TestSigner;
let pumps: Map<RequestClass, LanePump>;

beforeEach(async () => {
  token = [];
  // Long enough that no signature is overdue, however slow this machine is.
  signer = await createTestSigner(60_000);
  signer.keyStore.onSign = () => new Promise((resolve) => token.push(() => resolve(undefined)));
  pumps = new Map(
    requestClasses.map((one) => [
      one,
      createLanePump(signer.context, new ClaimSlots(4), { class: one, keyGroup: 'default' }),
    ]),
  );
});
afterEach(async () => {
  const drained = Promise.all([...pumps.values()].map((pump) => pump.drain()));
  let left = true;
  void drained.then(() => {
    left = false;
  });
  while (left) await sign(1);
  expect(signer.ledger.violations).toEqual([]);
});

/** All that can happen without the token has happened; then it signs. */
async function sign(count: number): Promise<void> {
  for (let signature = 0; signature < count; signature += 1) {
    for (let step = 0; step < 20; step += 1) await new Promise((resolve) => setImmediate(resolve));
    token.shift()?.();
  }
}

function flood(requestClass: RequestClass, count: number): Work[] {
  const works = Array.from({ length: count }, () => signer.accept('tls'));
  for (const work of works) work.class = requestClass;
  void turn(requestClass, []);
  return works;
}

function turn(requestClass: RequestClass, works: readonly Work[]): Promise<void> | undefined {
  const requests = works.map(({ row }) => ({ requestId: row.requestId, flow: '' }));
  const lane = { class: requestClass, keyGroup: 'default' };
  return pumps.get(requestClass)?.onTurn({ lane, count: Math.max(1, requests.length), requests, ageMs: 1 });
}

const asked = (works: readonly Work[]) => works.filter(({ serial }) => signer.ledger.asked.has(hex(serial))).length;

it('a row somebody waits for stands behind what the token has, whatever floods another class', async () => {
  flood('background', 1000);
  await sign(20);
  const [waitedFor] = flood('interactive', 1);
  // Four at the token, and the two that may take a place while it is claimed.
  await sign(6);
  expect(asked(waitedFor ? [waitedFor] : [])).toBe(1);
});

it('a row of another account stands behind what the token has, also when one claim took both', async () => {
  signer.snapshot.accounts.push({ name: 'other', state: 'enabled', profiles: ['tls'], apiKeyHashes: [] });
  await signer.apply();
  const flooding = flood('interactive', 50);
  const alone = signer.accept('tls', { account: 'other' });
  await sign(6);
  expect(signer.ledger.claims).toHaveLength(1);
  expect(asked([alone])).toBe(1);
  expect(asked(flooding)).toBeLessThan(15);
});

it('floods in all classes get 20/60/15/5 of what the token signs', async () => {
  const floods = requestClasses.map((one) => flood(one, 400));
  await sign(20);
  const before = floods.map(asked);
  await sign(400);
  const shares = floods.map((works, index) => (asked(works) - (before[index] ?? 0)) / 4);
  for (const [index, share] of [20, 60, 15, 5].entries())
    expect(Math.abs((shares[index] ?? 0) - share)).toBeLessThan(3);
}, 60_000);

it('a class that gets little of a busy token holds little of its work', async () => {
  flood('interactive', 1000);
  for (let signature = 0; signature < 300; signature += 1) {
    signer.clock.pass(10);
    await sign(1);
  }
  const background = flood('background', 1000);
  await sign(4);
  const held = background.filter(({ state }) => state === 'signing').length;
  expect(held).toBeGreaterThan(0);
  expect(held).toBeLessThanOrEqual(4);
}, 60_000);
