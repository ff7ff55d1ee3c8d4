import { makeMoreCas, type RecordingClient, type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plantBug } from '../crash/plant-bug.js';
import { disableUnderLoad } from './disable-under-load.js';

// How claims and the change exclude each other in the ledger itself: test/integration/disable-under-claims.test.ts. Here
// with all that may go on by an older word of the registry. With times: disable-under-load.soak.ts.

const leaseMs = 10_000;

let system: System;
let client: RecordingClient;
beforeAll(async () => {
  system = await startSystem({ signers: 2, frontEnds: 2, wires: true, leaseMs, signaturesPerSecond: 60 });
  const { apiKey } = await makeMoreCas(system.admin, ['told', 'untold', 'unchecked']);
  client = system.client({ apiKey });
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

it.each<[string, string, () => void]>([
  ['working', 'told', () => undefined],
  ['cut', 'untold', () => system.wires?.registry.cut()],
])(
  'push %s: no claim under the change or a later one, and the last completion within the lease',
  async (_, ca, damage) => {
    damage();
    const { claims, claimsUnderIt, lastCompletionMs } = await disableUnderLoad(system, ca, client);
    expect(claimsUnderIt).toBe(0);
    expect(claims).toBeGreaterThan(24);
    expect(lastCompletionMs).toBeLessThanOrEqual(leaseMs);
  },
);

it('finds claims that do not look at the state of the CA', async () => {
  const pieces = [['registry.refusal(c.state, r.purpose, r.subject_ca = r.ca)', 'null']] as const;
  const remove = await plantBug(system, { function: 'ledger.claim', pieces });
  try {
    const { claimsUnderIt } = await disableUnderLoad(system, 'unchecked', client);
    expect(claimsUnderIt).toBeGreaterThan(0);
  } finally {
    await remove();
  }
});
