import { X509Certificate } from 'node:crypto';
import { canonicalContent } from '@sluice/pki';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimBatch } from './claim.js';
import { processClaim } from './process-claim.js';
import { createTestSigner, profileDocument, type TestSigner } from './testing/test-signer.js';

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

describe('ends that were asked for', () => {
  const second = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  const acceptedAt = new Date('2026-11-21T12:00:00.500Z');
  const at = (offsetS: number) => second(acceptedAt.getTime() + offsetS * 1000);
  beforeEach(async () => {
    const requested_validity = { min_seconds: 60, max_seconds: 7200, back_seconds: 600, ahead_seconds: 3600 };
    signer.addProfile(profileDocument('asked', 'fast', { requested_validity }));
    signer.snapshot.accounts[0]?.profiles.push('asked');
    await signer.apply();
  });
  const ordered = async (validity: object, claimedAfterS = 0) => {
    const work = signer.accept('asked', {
      ...{ content: canonicalContent({ subject_dn: { common_name: 'a' }, san: {}, validity }), acceptedAt },
      notBefore: new Date(Date.parse(at(claimedAfterS))),
    });
    await cycle();
    return work;
  };

  it.each([
    ['both', { not_before: at(-600), not_after: at(6599) }],
    ['a begin ahead', { not_before: at(3600), not_after: at(3660) }],
    ['in a second of the front end that the commit has left behind', { not_before: at(-660), not_after: at(0) }],
  ])('are in the certificate as they are: %s', async (_what, validity) => {
    const work = await ordered(validity);
    expect([work.state, work.code]).toEqual(['issued', undefined]);
    const { validFrom, validTo } = new X509Certificate(Buffer.from(work.certificate ?? []));
    expect([validFrom, validTo].map((date) => second(Date.parse(date)))).toEqual(Object.values(validity));
  });

  it('are held against when it was accepted, however long it waited', async () => {
    const work = await ordered({ not_before: at(-600), not_after: at(6599) }, 3000);
    expect(work.state).toBe('issued');
    const late = await ordered({ not_before: at(-600), not_after: at(2999) }, 3000);
    expect([late.state, late.code]).toEqual(['rejected', 'validity-invalid']);
  });

  it.each([
    ['too far back', { not_before: at(-661) }],
    ['too far ahead', { not_before: at(3601) }],
    ['too long', { not_before: at(0), not_after: at(7200) }],
    ['too long from now on', { not_after: at(7200) }],
    ['too short', { not_before: at(0), not_after: at(58) }],
  ])('are rejected when a front end forged them: %s', async (_what, validity) => {
    const work = await ordered(validity);
    expect([work.state, work.code]).toEqual(['rejected', 'validity-invalid']);
    expect(signer.ledger.asked.size).toBe(0);
  });
});
