import { makeMoreCas, type RecordingClient } from '@sluice/testkit';
import { beforeAll, expect, it } from 'vitest';
import { plantBug } from '../crash/plant-bug.js';
import { disableUnderLoad } from './disable-under-load.js';
import { cas } from './one-incident.js';

// How claims and the change exclude each other in the ledger itself: test/integration/disable-under-claims.test.ts. Here
// with all that may go on by an older word of the registry. With times: disable-under-load.soak.ts.

/** As the system has it. */
const leaseMs = 10_000;

let client: RecordingClient;
beforeAll(async () => {
  const { apiKey } = await makeMoreCas(cas.system.admin, ['told', 'untold', 'unchecked']);
  await cas.system.applied([...cas.system.signers, ...cas.system.frontEnds]);
  client = cas.system.client({ apiKey });
});

it.each<[string, string, () => void]>([
  ['working', 'told', () => undefined],
  ['cut', 'untold', () => cas.system.wires?.registry.cut()],
])(
  'push %s: no claim under the change or a later one, and the last completion within the lease',
  async (_, ca, damage) => {
    damage();
    const { claims, claimsUnderIt, lastCompletionMs } = await disableUnderLoad(cas.system, ca, client);
    expect(claimsUnderIt).toBe(0);
    expect(claims).toBeGreaterThan(24);
    expect(lastCompletionMs).toBeLessThanOrEqual(leaseMs);
  },
);

it('finds claims that do not look at the state of the CA', async () => {
  const pieces = [['registry.refusal(c.state, r.purpose, r.subject_ca = r.ca)', 'null']] as const;
  const remove = await plantBug(cas.system, { function: 'ledger.claim', pieces });
  try {
    const { claimsUnderIt } = await disableUnderLoad(cas.system, 'unchecked', client);
    expect(claimsUnderIt).toBeGreaterThan(0);
  } finally {
    await remove();
  }
});
