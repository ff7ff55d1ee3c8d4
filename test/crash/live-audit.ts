import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type AuditFinding, createRegistryStore, newRequestId } from '@sluice/ledger';
import type { System } from '@sluice/testkit';

/** What the live auditor said while it looked at everything, again and again. */
export interface LiveAudit {
  /** Its last look begins after this call. Asked again, it says the same. */
  stop(): Promise<{ readonly alarms: readonly AuditFinding[]; readonly audits: number; readonly requests: number }>;
}

/** Looks as the registry does, with its own role, while services work at full speed and are killed: it must never cry wolf. */
export function startLiveAudit(system: System): LiveAudit {
  const url = readFileSync(join(system.dir, 'secrets', 'issuer-registry-database-url'), 'utf8');
  const store = createRegistryStore({ url, poolMax: 2 });
  const alarms: AuditFinding[] = [];
  let audits = 0;
  let requests = 0;
  let stopped = false;
  async function look(): Promise<void> {
    const until = newRequestId(Date.now() + 60_000);
    const { findings } = await store.auditRange({ from: newRequestId(0), until, requestsMax: 100_000 });
    alarms.push(...[...findings, ...(await store.auditWhole())].filter(({ found }) => found > 0));
    requests = Math.max(requests, ...findings.map(({ checked }) => checked));
    audits += 1;
  }
  const looking = (async () => {
    while (!stopped) {
      const beganMs = performance.now();
      await look();
      // The services have something to do, too, and there is more to look at each time.
      await wait(250 + 4 * (performance.now() - beganMs));
    }
    await look();
  })();
  looking.catch(() => undefined); // `stop` tells
  let ending: ReturnType<LiveAudit['stop']> | undefined;
  async function end() {
    stopped = true;
    try {
      await looking;
    } finally {
      await store.close();
    }
    return { alarms, audits, requests };
  }
  return {
    stop() {
      ending ??= end();
      return ending;
    },
  };
}
