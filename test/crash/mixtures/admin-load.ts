import { setTimeout as wait } from 'node:timers/promises';
import { type System, testProfiles } from '@sluice/testkit';

/** Changes to the registry while everything else goes on: a CA, which makes key work, and accounts. */
export interface AdminLoad {
  /** No more changes; resolves when the registry answers again. Says what it had confirmed and does not have. */
  stop(): Promise<string[]>;
}

const betweenMs = 500;
const backMs = 15_000;

export function startAdminLoad(system: System, name: string): AdminLoad {
  const confirmed = { accounts: [] as string[], cas: [] as string[] };
  let stopped = false;
  let made = 0;

  async function change(): Promise<void> {
    made += 1;
    if (made === 1) {
      const ca = `ca-${name}-${made}`;
      const subject_dn = { common_name: ca };
      const wanted = { name: ca, key_group: 'default', key_algorithm: 'ec-p256', subject_dn };
      await system.admin.call('POST', '/admin/v1/cas', { ...wanted, issuer: 'root', profile: 'issuing-ca' });
      confirmed.cas.push(ca);
      return;
    }
    const account = `account-${name}-${made}`;
    await system.admin.call('POST', '/admin/v1/accounts', { name: account, profiles: [testProfiles.short] });
    confirmed.accounts.push(account);
  }
  const changing = (async () => {
    while (!stopped) {
      await change().catch(() => undefined); // not confirmed: it may have been made or not
      await wait(betweenMs);
    }
  })();

  return {
    async stop() {
      stopped = true;
      await changing;
      const end = performance.now() + backMs;
      for (;;) {
        try {
          const { accounts } = await system.admin.call<Listed>('GET', '/admin/v1/accounts');
          const { cas } = await system.admin.call<Listed>('GET', '/admin/v1/cas');
          return [...missing(confirmed.accounts, accounts), ...missing(confirmed.cas, cas)];
        } catch (fault) {
          if (performance.now() > end) return [`the registry does not answer: ${String(fault)}`];
          await wait(200);
        }
      }
    },
  };
}

type Listed = Record<'accounts' | 'cas', readonly { readonly name: string }[]>;

function missing(confirmed: readonly string[], listed: readonly { readonly name: string }[]): string[] {
  const there = new Set(listed.map(({ name }) => name));
  return confirmed.filter((name) => !there.has(name)).map((name) => `${name} was confirmed and is not there`);
}
