import { randomUUID } from 'node:crypto';
import { makeCsr, type RecordingClient, type System } from '@sluice/testkit';
import { expect } from 'vitest';

const inFlight = 24;
/** Certificates that each client gets before the CA is disabled. */
const before = 2;
/** Orders after which a client that is still served gives up: something is wrong. */
const servedMax = 20;

/** By the ledger's own clock and rows. */
export interface Disabled {
  /** Serials intended for the CA at all. */
  readonly claims: number;
  /** Those that bear the epoch of the change or a later one: there must be none. */
  readonly claimsUnderIt: number;
  /** From the change to the last claim and the last certificate; negative: before it. */
  readonly lastClaimMs: number;
  readonly lastCompletionMs: number;
  /** From the operator's call to its answer. */
  readonly disableMs: number;
}

/**
 * Disables a CA while 24 clients order of it, each with the next order as soon as it has an answer, until each of them was
 * told that the CA is disabled.
 */
export async function disableUnderLoad(system: System, ca: string, client: RecordingClient): Promise<Disabled> {
  const served = Array.from({ length: inFlight }, () => 0);
  const loops = served.map(async (_, index) => {
    for (let told: string | undefined; told !== 'ca-disabled' && (served[index] ?? 0) < servedMax; ) {
      const name = `${randomUUID()}.example`;
      const { pem: csr } = makeCsr('ec-p256', name);
      const { status, code } = await client.post({ profile: `${ca}-tls`, csr, subjectDn: { common_name: name } });
      if (status === 201) served[index] = (served[index] ?? 0) + 1;
      told = code;
    }
  });
  await expect.poll(() => served.every((count) => count >= before), { timeout: 60_000, interval: 20 }).toBe(true);
  const beganMs = performance.now();
  const body = { reason: 'a drill' };
  const { epoch } = await system.admin.call<{ epoch: string }>('POST', `/admin/v1/cas/${ca}/disable`, body);
  const disableMs = performance.now() - beganMs;
  await Promise.all(loops);
  await system.settle(30_000);
  const [row] = await system.query<Omit<Disabled, 'disableMs'>>(
    `select count(*)::int as claims, (count(*) filter (where s.epoch >= c.epoch))::int as "claimsUnderIt",
       (extract(epoch from max(s.claimed_at) - c.changed_at) * 1000)::float8 as "lastClaimMs",
       (extract(epoch from (select max(o.ended_at) from ledger.request r join ledger.outcome o on o.request_id = r.id
          where r.ca = $1 and r.purpose = 'subscriber' and o.state = 'issued') - c.changed_at) * 1000)::float8 as "lastCompletionMs"
     from registry.change c join ledger.serial s on s.ca = $1 where c.epoch = $2 group by c.epoch, c.changed_at`,
    [ca, epoch],
  );
  if (row === undefined) throw new Error(`nothing was ever claimed of ${ca}`);
  return { ...row, disableMs };
}
