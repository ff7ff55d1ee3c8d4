import { makeMoreCas, type RecordingClient, type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Disabled, disableUnderLoad } from './disable-under-load.js';

// Goal: `disable` under full load takes at most a second, whoever has heard of it.

const leaseMs = 10_000;
const disableMsMax = 1000;
const rounds = 5;
/** CRASH_CAPACITY: signatures per second of all signers together; less where the machine is busy with other things. */
const signaturesPerSecond = Number(process.env.CRASH_CAPACITY ?? 100);

let system: System;
let client: RecordingClient;
beforeAll(async () => {
  system = await startSystem({ signers: 2, frontEnds: 2, wires: true, leaseMs, signaturesPerSecond });
  const names = Array.from({ length: rounds }, (_, round) => [`told-${round}`, `untold-${round}`]).flat();
  const { apiKey } = await makeMoreCas(system.admin, names);
  client = system.client({ apiKey });
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

it('takes at most a second, push working and push cut', async () => {
  const rows: ({ push: string } & Disabled)[] = [];
  for (let round = 0; round < rounds; round += 1) {
    rows.push({ push: 'working', ...(await disableUnderLoad(system, `told-${round}`, client)) });
  }
  system.wires?.registry.cut();
  for (let round = 0; round < rounds; round += 1) {
    rows.push({ push: 'cut', ...(await disableUnderLoad(system, `untold-${round}`, client)) });
  }
  console.table(rows);
  for (const { claimsUnderIt, lastCompletionMs, disableMs } of rows) {
    expect(claimsUnderIt).toBe(0);
    expect(lastCompletionMs).toBeLessThanOrEqual(leaseMs);
    expect(disableMs).toBeLessThanOrEqual(disableMsMax);
  }
});
