import { setTimeout as wait } from 'node:timers/promises';
import type { System } from '@sluice/testkit';

/** So long without one end more, and something is broken: waits, back-offs and leases of this test are shorter. */
const patienceMs = 60_000;

/** Until no request is open, no receipt under way and no CA pending; calls `help` each time it looks. Throws what is, when nothing ends any more. */
export async function untilAtRest(system: System, help: () => Promise<unknown>): Promise<void> {
  let fewest = Number.POSITIVE_INFINITY;
  let end = 0;
  for (;;) {
    await help();
    const open = await system.query<{ what: string }>(
      `select format('request %s of %s: %s', w.request_id, w.ca, w.state) as what from ledger.work w
       union all select format('receipt %s: %s', r.id, r.state) from registry.receipt r
         where r.state in ('moving', 'holding', 'undoing', 'running', 'paused')
       union all select format('%s: pending', c.name) from registry.ca c where c.state = 'pending'`,
    );
    if (open.length === 0) return;
    if (open.length < fewest) end = performance.now() + patienceMs;
    fewest = Math.min(fewest, open.length);
    if (performance.now() > end) throw new Error(`nothing ends of ${open.length}: ${some(open)}`);
    await wait(100);
  }
}

const some = (open: readonly { what: string }[]): string =>
  open
    .slice(0, 20)
    .map(({ what }) => what)
    .join(', ');
