import { SluiceError } from '@sluice/errors';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimBatch } from './claim.js';
import { hex } from './hex.js';
import { endLiftedWaits } from './missing-key.js';
import { processClaim } from './process-claim.js';
import type { Work } from './testing/policing-ledger.js';
import { caRow, createTestSigner, type TestSigner } from './testing/test-signer.js';

const lane = { class: 'interactive', keyGroup: 'default' } as const;
let signer: TestSigner;

beforeEach(async () => {
  signer = await createTestSigner();
});
afterEach(() => {
  expect(signer.ledger.violations).toEqual([]);
});

async function cycle(): Promise<void> {
  const { ended } = await processClaim(signer.context, await claimBatch(signer.context, lane, { countMax: 64 }));
  await ended;
}
const serialState = ({ serial }: Work): string | undefined => signer.ledger.serials.get(hex(serial))?.state;
const breakerState = () => signer.context.tokenBreaker.state();

it('is reported with CA and token, burns nothing, and costs neither the token nor another CA anything', async () => {
  const works = Array.from({ length: 5 }, () => signer.accept('documents'));
  const other = signer.accept('tls');
  signer.keyStore.keys.delete('slow');
  await cycle();
  expect(works.map((work) => [work.state, work.code, serialState(work)])).toEqual(
    Array(5).fill(['queued', 'key-missing', 'void']),
  );
  expect(signer.ledger.missing).toMatchObject([{ ca: 'slow', token: 'memory' }]);
  expect([other.state, breakerState()]).toEqual(['issued', 'closed']);
  const { values } = await signer.context.metrics.keysMissing.get();
  expect(values.map(({ labels, value }) => [labels.ca, labels.token, value])).toEqual([['slow', 'memory', 1]]);
});

it('is the same when another key lies under its label: nothing is signed with that one', async () => {
  const work = signer.accept('documents');
  signer.keyStore.keys.delete('slow');
  await signer.keyStore.generate('slow', 'ec-p256');
  await cycle();
  expect([work.state, work.code, serialState(work), breakerState()]).toEqual([
    'queued',
    'key-missing',
    'void',
    'closed',
  ]);
  expect(signer.keyStore.confirmed).toEqual(['slow']);
  expect(signer.ledger.missing).toMatchObject([{ ca: 'slow', detail: expect.stringContaining('another key') }]);
});

it('leaves its work in the queue from then on: no claim takes it to give it back', async () => {
  const work = signer.accept('documents');
  signer.keyStore.keys.delete('slow');
  await cycle();
  for (let looks = 0; looks < 10; looks += 1) await cycle();
  signer.clock.pass(60_000); // its own wait is over: the ledger passes it over all the same
  await cycle();
  expect([work.attempt, signer.keyStore.confirmed]).toEqual([1, ['slow']]);
});

it('that the ledger did not hear of is passed over by this signer, found again, and told again', async () => {
  const work = signer.accept('documents');
  signer.keyStore.keys.delete('slow');
  signer.ledger.fail('keyMissing', 'forbidden', false);
  await cycle();
  await cycle();
  expect([work.attempt, signer.ledger.missing]).toEqual([1, []]);
  expect(signer.ledger.claims.at(-1)?.skipCas).toEqual(['slow']);
  signer.clock.pass(60_000);
  await cycle();
  expect([work.attempt, signer.ledger.missing]).toMatchObject([2, [{ ca: 'slow', token: 'memory' }]]);
});

it('is told again when the ledger did not answer, and as its next incarnation when it was fenced', async () => {
  signer.accept('documents');
  signer.keyStore.keys.delete('slow');
  let renewals = 0;
  const renewNow = async (): Promise<void> => {
    renewals += 1;
  };
  signer.context = { ...signer.context, renewNow };
  signer.ledger.fail('keyMissing', 'outcome-unknown', true);
  signer.ledger.fail('keyMissing', 'fenced', false);
  await cycle();
  expect([signer.ledger.missing.length, renewals]).toEqual([2, 1]);
});

it('is never said of a token in doubt: one that fails, or hangs, at the second look', async () => {
  for (const doubt of [
    () => Promise.reject(new SluiceError('token-failed')),
    () => Promise.reject(new TypeError('a stranger')),
    () => new Promise<never>(() => undefined),
  ]) {
    signer = await createTestSigner(600);
    const work = signer.accept('documents');
    signer.keyStore.keys.delete('slow');
    signer.keyStore.confirmMissing = doubt;
    await cycle();
    expect([work.state, serialState(work), signer.ledger.missing]).toEqual(['queued', 'void', []]);
    expect(work.code).not.toBe('key-missing');
  }
});

it('is not believed when the second look finds it', async () => {
  const work = signer.accept('documents');
  const { find } = signer.keyStore;
  signer.keyStore.find = () => Promise.reject(new SluiceError('key-missing'));
  await cycle();
  expect([work.code, signer.ledger.missing, breakerState()]).toEqual(['token-failed', [], 'closed']);
  signer.keyStore.find = find;
  signer.clock.pass(60_000);
  await cycle();
  expect(work.state).toBe('issued');
});

it('many times over never opens the breaker of its token', async () => {
  signer.keyStore.keys.delete('slow');
  for (let times = 0; times < 20; times += 1) {
    signer.ledger.quarantined.clear();
    signer.accept('documents');
    signer.clock.pass(60_000);
    await cycle();
  }
  expect([signer.ledger.missing.length, breakerState()]).toEqual([20, 'closed']);
});

it('that was put back and lifted is used at once, by one row first', async () => {
  const works = Array.from({ length: 3 }, () => signer.accept('documents'));
  const key = signer.keyStore.keys.get('slow');
  signer.keyStore.keys.delete('slow');
  await cycle();
  if (key) signer.keyStore.keys.set('slow', key);
  signer.ledger.quarantined.clear();
  await cycle();
  expect(works.map(({ state }) => state)).toEqual(['queued', 'queued', 'queued']); // its wait is not over
  const told = (quarantinedTokens: string[], quarantined = false) =>
    endLiftedWaits({ cas: [{ ...caRow('slow', 'rsa-2048', null), quarantined, quarantinedTokens }] }, here);
  const here = { backOff: signer.context.backOff, token: 'memory' };
  told(['memory']);
  told([], true);
  await cycle();
  expect(works.map(({ state }) => state)).toEqual(['queued', 'queued', 'queued']); // nobody has lifted it here
  told(['another']);
  await cycle();
  expect(works.map(({ state }) => state)).toEqual(['issued', 'issued', 'issued']);
});
