import { asSluiceError, SluiceError } from '@sluice/errors';
import type { Lane } from '@sluice/issuance';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sweepOnce } from './sweep-once.js';
import { createTestSigner, type TestSigner } from './testing/test-signer.js';

const lane: Lane = { class: 'interactive', keyGroup: 'default' };
let signer: TestSigner;
let told: string[];
const outage = {
  failed: (err: unknown) => void told.push(asSluiceError(err).code),
  over: () => void told.push('over'),
};
let added: { lane: Lane; turns: number; count: number }[];

beforeEach(async () => {
  signer = await createTestSigner();
  added = [];
  told = [];
});

function turns(open: number | SluiceError) {
  return {
    openTurns: () => (typeof open === 'number' ? Promise.resolve(open) : Promise.reject(open)),
    addMissing: async (to: Lane, missing: number, count: number) =>
      void added.push({ lane: to, turns: missing, count }),
  };
}

describe('a sweep', () => {
  it.each([
    [0, 0, 0],
    [1, 0, 1],
    [64, 1, 0],
    [65, 1, 1],
    [640, 3, 7],
    [64, 5, 0],
    [1_000_000, 0, 64],
  ])('with %i queued and %i open turns adds %i turns', async (queued, open, missing) => {
    signer.ledger.sweepAnswer = {
      swept: true,
      ended: [],
      requeued: 0,
      loads: [{ ...lane, queued, claimable: queued, signing: 0, oldestAgeMs: 1 }],
    };
    await sweepOnce(signer.context, turns(open), outage);
    expect(added).toEqual(missing === 0 ? [] : [{ lane, turns: missing, count: 64 }]);
  });

  it('rings for what it ended, and does not mind Redis being away', async () => {
    const ended = [{ requestId: 'a', state: 'expired' as const }];
    signer.ledger.sweepAnswer = {
      swept: true,
      ended,
      requeued: 2,
      loads: [{ ...lane, queued: 9, claimable: 9, signing: 0, oldestAgeMs: 1 }],
    };
    await sweepOnce(signer.context, turns(new SluiceError('unavailable')), outage);
    expect(signer.rung).toEqual(['a']);
  });

  it('that the ledger refuses to a fenced process enrols it anew', async () => {
    const renewNow = vi.fn(() => Promise.resolve());
    const context = { ...signer.context, renewNow };
    signer.ledger.fail('sweep', 'fenced', false);
    expect(await sweepOnce(context, turns(0), outage)).toBe(false);
    expect(renewNow).toHaveBeenCalledOnce();
  });

  it('tells that the ledger is away, and that it is back', async () => {
    signer.ledger.fail('sweep', 'unavailable', false);
    expect(await sweepOnce(signer.context, turns(0), outage)).toBe(false);
    expect(await sweepOnce(signer.context, turns(0), outage)).toBe(true);
    expect(told).toEqual(['unavailable', 'over']);
  });
});
