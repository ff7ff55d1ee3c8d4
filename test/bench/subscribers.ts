import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { System } from '@sluice/testkit';
import { cpuMs } from './cpu.js';
import type { SubscribersOrder } from './subscriber-process.js';

/** Subscribers in processes of their own, beside those of a system. */
export interface Subscribers {
  readonly count: number;
  /** As many more, in one process more for each sixty. Resolves when all have a state in force. */
  add(count: number): Promise<void>;
  /** CPU milliseconds of their processes so far. */
  cpuMs(): number;
  /** Ends them; their leases run out in the ledger. */
  stop(): Promise<void>;
}

/** Compiled, also for whoever runs from source. */
const entry = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../dist/bench/subscriber-process.js' : './subscriber-process.js',
    import.meta.url,
  ),
);
const perProcess = 60;

export function createSubscribers({ dir, query, registry }: System): Subscribers {
  const children: ChildProcess[] = [];
  let count = 0;

  /** All in one statement: each connection would cost more than all of it. */
  async function enrolled(more: number): Promise<SubscribersOrder['subscribers']> {
    const made = Array.from({ length: more }, (_, index) => ({
      name: `subscriber-${count + index + 1}`,
      ...generateKeyPairSync('ed25519'),
    }));
    await query(
      `insert into registry.service_key (name, service, public_key)
       select u.name, 'identity-api', u.key from unnest($1::text[], $2::bytea[]) u (name, key)`,
      [made.map(({ name }) => name), made.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' }))],
    );
    count += more;
    return made.map(({ name, privateKey }) => ({
      name,
      privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }));
  }

  async function start(order: SubscribersOrder): Promise<void> {
    const child = fork(entry);
    children.push(child);
    child.send(order);
    const ended = once(child, 'exit').then(() => {
      throw new Error('a process of subscribers has ended');
    });
    ended.catch(() => undefined);
    await Promise.race([once(child, 'message'), ended]);
  }

  return {
    get count() {
      return count;
    },
    async add(more) {
      const order = {
        registryUrl: registry.url,
        databaseUrl: readFileSync(join(dir, 'secrets', 'identity-api-database-url'), 'utf8'),
        dir: join(dir, 'subscribers'),
      };
      mkdirSync(order.dir, { recursive: true });
      const members = await enrolled(more);
      const processes = Math.ceil(more / perProcess);
      await Promise.all(
        Array.from({ length: processes }, (_, index) =>
          start({ ...order, subscribers: members.slice(index * perProcess, (index + 1) * perProcess) }),
        ),
      );
    },
    cpuMs: () => children.reduce((sum, { pid }) => sum + (cpuMs(pid ?? 0) ?? Number.NaN), 0),
    async stop() {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const exited = once(child, 'exit');
          child.disconnect();
          await exited;
        }),
      );
    },
  };
}
