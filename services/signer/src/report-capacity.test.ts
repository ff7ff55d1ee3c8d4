import { SluiceError } from '@sluice/errors';
import { expect, it } from 'vitest';
import { reportCapacity } from './report-capacity.js';
import { createTestSigner } from './testing/test-signer.js';

it('says what was measured, nothing before the first signature, 0 while nothing may be claimed; survives the ledger', async () => {
  const signer = await createTestSigner();
  const { context, ledger, clock } = signer;
  await reportCapacity(context, 'default');
  context.capacity.begin();
  clock.pass(1000);
  context.capacity.done(100);
  context.capacity.end();
  await reportCapacity(context, 'default');
  signer.hindrance = new SluiceError('token-failed');
  await reportCapacity(context, 'default');
  ledger.fail('reportCapacity', 'unavailable', false);
  await reportCapacity(context, 'default');
  expect(ledger.capacities).toHaveLength(3);
  expect(ledger.capacities[0]).toEqual({ keyGroup: 'default', perSecond: undefined });
  expect(ledger.capacities[1]?.perSecond).toBeGreaterThan(90);
  expect(ledger.capacities[2]?.perSecond).toBe(0);
});
