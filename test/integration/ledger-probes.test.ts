import { type Breaker, type Breakers, createBreakers } from '@sluice/breaker';
import { createDatabase } from '@sluice/ledger';
import { createMetrics } from '@sluice/telemetry';
import { createTcpProxy } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, createLedgerFixture, type LedgerFixture, newRow, refusedWith, soon } from './ledger-fixture.js';

// What an open breaker asks the ledger, and what it makes of the answer.

let fixture: LedgerFixture;
beforeAll(async () => {
  fixture = await createLedgerFixture('probes');
});
afterAll(() => fixture?.close());

/** Breakers that remember how each probe ended, and can be opened by hand. */
function watchedBreakers() {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const breakers = createBreakers({ metrics: createMetrics('test'), log: silent });
  const probes: Promise<string | undefined>[] = [];
  let made: Breaker | undefined;
  const watched: Breakers = {
    ...breakers,
    create(options) {
      const probe = (): Promise<unknown> => {
        const asked = options.probe();
        probes.push(codeOf(asked));
        return asked;
      };
      made = breakers.create({ ...options, probe });
      return made;
    },
  };
  return { breakers: watched, probes, open: () => made?.open(), state: () => made?.state() };
}

describe('a server that answers, but takes no writes', () => {
  it('is away until a new connection leads to one that does', async () => {
    const { breakers, probes, state } = watchedBreakers();
    const front = await fixture.identity('front-1', { breakers, poolMax: 2 });
    const role = `${fixture.database}_identity_api`;
    await fixture.sql(`alter role "${role}" set default_transaction_read_only = on`);
    try {
      // As after a failover: where the connections lead, there is a standby now.
      await fixture.sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = $1`, role);
      await expect
        .poll(async () => [await codeOf(front.accept(newRow())), state()], soon)
        .toEqual(['unavailable', 'open']);
      await expect.poll(() => probes.length, soon).toBeGreaterThan(2);
      expect(new Set(await Promise.all(probes))).toEqual(new Set(['unavailable']));
    } finally {
      await fixture.sql(`alter role "${role}" reset default_transaction_read_only`);
    }
    await expect.poll(state, soon).toBe('closed');
    expect(await front.accept(newRow())).toMatchObject({ verdict: 'accepted' });
  });

  it('says so when asked: it writes a file, for which there must be room', async () => {
    const role = `"${fixture.database}_signer"`;
    const ask = () => fixture.connect('signer', 1).call({ name: '', text: 'select ledger.takes_writes()' }, []);
    await ask();
    await fixture.sql(`alter role ${role} set temp_file_limit = '512kB'`);
    try {
      expect(await refusedWith(ask())).toBe('53400');
      expect(await codeOf(ask())).toBe('unavailable');
    } finally {
      await fixture.sql(`alter role ${role} reset temp_file_limit`);
    }
  });
});

it('a probe that is slow costs nobody his answer: only a server that says nothing is given up', async () => {
  const url = new URL(fixture.urlOf('identity-api'));
  const proxy = await createTcpProxy({ target: { host: url.hostname, port: Number(url.port) } });
  url.port = String(proxy.port);
  const { breakers, probes, open } = watchedBreakers();
  const far = createDatabase({ url: url.href, poolMax: 2, breakers });
  try {
    const call = (text: string) => far.call({ name: '', text }, []);
    await Promise.all([call('select pg_sleep(0.1)'), call('select pg_sleep(0.1)')]);
    const slow = call('select pg_sleep(2.5)');
    slow.catch(() => undefined);
    proxy.delay(1000); // each way
    open();
    await expect.poll(() => probes.length, soon).toBe(1);
    expect(await probes[0]).toBe('unavailable');
    proxy.heal();
    expect(await codeOf(slow)).toBeUndefined();
  } finally {
    await far.close();
    await proxy.close();
  }
});
