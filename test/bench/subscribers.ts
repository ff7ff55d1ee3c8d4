import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { enrolServiceKey } from '@sluice/ledger';
import type { System } from '@sluice/testkit';
import { cpuMs } from './cpu.js';
import type { SubscribersOrder } from './subscriber-process.js';

/** Subscribers in processes of their own, beside those of a system. */
export interface Subscribers {
  readonly count: number;
  /** As many more, in one process more. Resolves when all have a state in force. */
  add(count: number): Promise<void>;
  /** CPU milliseconds of their processes so far. */
  cpuMs(): number;
  /** Ends them; their leases run out in the ledger. */
  stop(): Promise<void>;
}

const entry = fileURLToPath(new URL('./subscriber-process.js', import.meta.url));

export function createSubscribers({ dir, adminUrl, registry }: System): Subscribers {
  const children: ChildProcess[] = [];
  let count = 0;

  async function enrolled(): Promise<{ name: string; privateKeyPem: string }> {
    count += 1;
    const name = `subscriber-${count}`;
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    await enrolServiceKey(adminUrl, { name, service: 'identity-api', publicKey: spki });
    return { name, privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  return {
    get count() {
      return count;
    },
    async add(more) {
      const order: SubscribersOrder = {
        registryUrl: registry.url,
        databaseUrl: readFileSync(join(dir, 'secrets', 'identity-api-database-url'), 'utf8'),
        dir: join(dir, 'subscribers'),
        subscribers: await Promise.all(Array.from({ length: more }, enrolled)),
      };
      mkdirSync(order.dir, { recursive: true });
      const child = fork(entry);
      children.push(child);
      child.send(order);
      const ended = once(child, 'exit').then(() => {
        throw new Error('a process of subscribers has ended');
      });
      ended.catch(() => undefined);
      await Promise.race([once(child, 'message'), ended]);
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
