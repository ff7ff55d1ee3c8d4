import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { enrolOperator } from '@sluice/ledger';
import { type AdminClient, createAdminClient, type System } from '@sluice/testkit';
import { Client } from 'pg';

/** Milliseconds, by the ledger's clock. */
export interface PushTimes {
  /** Until the last acknowledgement of a front end or signer. */
  readonly appliedMs: number;
  /** Until the ledger has it that nobody acts under less; the registry looks once a second. */
  readonly confirmedMs: number;
}

/** A CA that is disabled, for everyone to apply, and enabled again. */
export interface PushRounds {
  /** The ledger's clock, in milliseconds. */
  nowMs(): Promise<number>;
  /** `ca disable`. `sinceMs`: counted from there. Throws when it takes longer than a minute. */
  disable(subscribers: number, sinceMs?: number): Promise<PushTimes>;
  /** `ca enable`, by two operators; resolves when all have applied it. */
  enable(subscribers: number): Promise<void>;
  close(): Promise<void>;
}

const ca = 'ca-rsa';
const lookIntervalMs = 10;
const waitMaxMs = 60_000;

interface Seen {
  readonly applied: number;
  readonly appliedAtMs: number;
  readonly confirmed: boolean;
  readonly nowMs: number;
}
const seeText = `select count(*) filter (where s.acknowledged_epoch >= $1)::integer as applied,
    (extract(epoch from max(s.acknowledged_at)) * 1000)::float8 as "appliedAtMs",
    (select c.epoch >= $1 from registry.confirmed c) as confirmed, (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"
  from registry.subscriber s where not s.fenced and s.service <> 'issuer-registry'`;

export async function createPushRounds(system: System): Promise<PushRounds> {
  const second = await otherOperator(system);
  const client = new Client({ connectionString: system.adminUrl });
  await client.connect();

  async function see(epoch: string): Promise<Seen> {
    const [seen] = (await client.query<Seen>(seeText, [epoch])).rows;
    if (seen === undefined) throw new Error('the ledger says nothing of its subscribers');
    return seen;
  }

  async function until(epoch: string, holds: (seen: Seen) => boolean): Promise<Seen> {
    for (const endMs = performance.now() + waitMaxMs; ; await wait(lookIntervalMs)) {
      const seen = await see(epoch);
      if (holds(seen)) return seen;
      if (performance.now() > endMs) throw new Error(`only ${seen.applied} subscribers have applied epoch ${epoch}`);
    }
  }

  const nowMs = async (): Promise<number> => (await see('0')).nowMs;
  const change = (admin: AdminClient, verb: 'disable' | 'enable') =>
    admin.call<{ epoch: string }>('POST', `/admin/v1/cas/${ca}/${verb}`, { reason: 'benchmark' });

  return {
    nowMs,
    async disable(subscribers, sinceMs) {
      const fromMs = sinceMs ?? (await nowMs());
      const { epoch } = await change(system.admin, 'disable');
      const { appliedAtMs } = await until(epoch, ({ applied }) => applied === subscribers);
      const { nowMs: confirmedAtMs } = await until(epoch, ({ confirmed }) => confirmed);
      return { appliedMs: appliedAtMs - fromMs, confirmedMs: confirmedAtMs - fromMs };
    },
    async enable(subscribers) {
      await change(system.admin, 'enable');
      const { epoch } = await change(second, 'enable');
      await until(epoch, ({ applied }) => applied === subscribers);
    },
    close: () => client.end(),
  };
}

/** To enable takes two. */
async function otherOperator({ adminUrl, registry }: System): Promise<AdminClient> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const name = 'operator-of-the-benchmark';
  await enrolOperator(adminUrl, { name, publicKey: publicKey.export({ type: 'spki', format: 'der' }) });
  return createAdminClient({ baseUrl: () => registry.url, name, privateKey });
}
