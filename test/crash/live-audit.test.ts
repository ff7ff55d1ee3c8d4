import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type AuditFinding, createRegistryStore, newRequestId, type RegistryStore } from '@sluice/ledger';
import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Load, startLoad } from './load.js';
import { killSignerAt, untilInFlight, untilSignersAlive } from './signer-faults.js';

// Goal: the live auditor never cries wolf. Method: it looks at everything, again and again, while signers
// work at full speed and are killed, and must find every invariant kept each time.

let system: System;
let store: RegistryStore;
let load: Load;
beforeAll(async () => {
  system = await startSystem({ signers: 3, leaseMs: 2000 });
  const url = readFileSync(join(system.dir, 'secrets', 'issuer-registry-database-url'), 'utf8');
  store = createRegistryStore({ url, poolMax: 2 });
  load = startLoad(system, { inFlight: 24 });
});
afterAll(async () => {
  await store?.close();
  if (system) expect(await system.stop()).toEqual([]);
});

it('finds nothing to report under load and kill -9', async () => {
  const alarms: AuditFinding[] = [];
  let audits = 0;
  let requests = 0;
  let stopped = false;
  const auditing = (async () => {
    while (!stopped) {
      const until = newRequestId(Date.now() + 60_000);
      const { findings } = await store.auditRange({ from: newRequestId(0), until, requestsMax: 100_000 });
      alarms.push(...[...findings, ...(await store.auditWhole())].filter(({ found }) => found > 0));
      requests = Math.max(requests, ...findings.map(({ checked }) => checked));
      audits += 1;
      await wait(50); // the services have something to do, too
    }
  })();
  for (const label of ['signer:after-claim', 'signer:after-sign', 'signer:after-complete']) {
    await untilInFlight(load, 20);
    await killSignerAt(system, label);
  }
  await load.stop();
  await untilSignersAlive(system, 3);
  await system.settle(20_000);
  stopped = true;
  await auditing;
  expect(alarms).toEqual([]);
  // It was a test: there was something to look at, and serials were burned meanwhile.
  expect(audits).toBeGreaterThan(5);
  expect(requests).toBeGreaterThan(100);
  const [burned] = await system.query<{ count: number }>(
    `select count(*)::integer as count from ledger.serial where state = 'burned'`,
  );
  expect(burned?.count).toBeGreaterThan(0);
});
