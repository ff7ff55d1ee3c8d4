import { setTimeout as wait } from 'node:timers/promises';
import type { ReceiptDetail, ReceiptView } from '@sluice/registry-protocol';
import { makeCsr, type System, startSystem, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilAtRest } from './at-rest.js';
import { cloneRequests } from './clone-requests.js';
import { type Load, startLoad } from './load.js';

const reason = 'a flood';
const lane = 'async.default';
/** For a slow machine, and for a hundred thousand. */
const within = { timeout: 3_600_000 } as const;
const patience = { timeout: 1_200_000, interval: 100 } as const;

/**
 * What operators do to many requests at once, with real processes, while others order and get their certificates: the
 * registry is killed in the middle of each, again and again, and each effect is there once.
 */
export function bulkActsSuite(size: {
  readonly parked: number;
  readonly resubmitted: number;
  readonly kills: number;
}): void {
  let system: System;
  let load: Load;
  beforeAll(async () => {
    system = await startSystem({ signers: 1, frontEnds: 1 });
    load = startLoad(system, { inFlight: 2 });
  });
  afterAll(async () => {
    if (system) expect(await system.stop()).toEqual([]);
  });

  const post = <T>(path: string, body: object): Promise<T> => system.admin.call<T>('POST', `/admin/v1${path}`, body);
  const detailOf = (id: string): Promise<ReceiptDetail> => system.admin.call('GET', `/admin/v1/receipts/${id}`);
  /** How many rows the ledger has of those ids, by what it says of them. */
  async function countOf(text: string, ids: readonly string[]): Promise<number> {
    const [row] = await system.query<{ count: number }>(
      `select count(*)::integer as count from ${text} = any($1::uuid[])`,
      [ids],
    );
    return row?.count ?? 0;
  }

  /** Kills the registry so often, each time some moment after it began again, then waits until the receipt says so. */
  async function killUntil(id: string, state: string): Promise<ReceiptView> {
    for (let kills = 0; kills < size.kills; kills += 1) {
      await wait(Math.random() * 300);
      await system.registry.process.kill9();
      await system.registry.start();
    }
    await expect.poll(async () => (await detailOf(id)).receipt.state, patience).toBe(state);
    return (await detailOf(id)).receipt;
  }
  /** Open requests of the other account, which nobody signs before `resume`. */
  async function open(count: number, profile: string = testProfiles.p256): Promise<string[]> {
    const name = 'flood.example';
    const order = { profile, csr: makeCsr('ec-p256', name).pem, subjectDn: { common_name: name } };
    const { id } = await system.client({ apiKey: system.otherApiKey }).post({ ...order, prefer: 'respond-async' });
    return cloneRequests(system, id ?? '', count);
  }
  const pause = (): Promise<unknown> => post('/queue/pause', { lane, for_s: 3600, reason });
  const resume = (): Promise<unknown> => post('/queue/resume', { lane, reason });
  /** Nothing of the other account is open any more. */
  const untilSigned = (): Promise<void> =>
    expect.poll(() => system.query(`select from ledger.work where account = 'second-account'`), patience).toEqual([]);
  /** Serials: the record of every intent to sign. */
  const claimed = (ids: readonly string[]): Promise<number> => countOf('ledger.serial where request_id', ids);

  it(
    `parks 60 % of ${size.parked} and undoes it: nothing of it is claimed, nothing expires, everything is moved once`,
    within,
    async () => {
      await pause();
      const ids = await open(size.parked);
      const body = { filter: { account: 'second-account', fraction: 0.6 }, for_s: 3600, reason };
      const { receipt } = await post<{ receipt: ReceiptView }>('/queue/park', body);
      const held = (
        await system.query<{ id: string }>(
          'select u.id from unnest($1::uuid[]) u (id) where registry.fraction_of(u.id) < 0.6',
          [ids],
        )
      ).map((row) => row.id);
      await resume();
      const parked = await killUntil(receipt.id, 'holding');
      expect(parked.moved).toBeGreaterThanOrEqual(held.length);
      expect(await countOf(`ledger.shelf where receipt = '${receipt.id}' and request_id`, held)).toBe(held.length);
      expect(await countOf(`ledger.event where kind = 'parked' and request_id`, held)).toBe(held.length);
      await untilSigned();
      expect([await claimed(held), await countOf('ledger.outcome where request_id', held)]).toEqual([0, 0]);
      expect(await countOf(`ledger.outcome where state = 'issued' and request_id`, ids)).toBe(ids.length - held.length);

      await post(`/receipts/${receipt.id}/undo`, { reason });
      const undone = await killUntil(receipt.id, 'undone');
      expect(undone.returned).toBe(undone.moved);
      expect(await countOf(`ledger.event where kind = 'returned' and request_id`, held)).toBe(held.length);
      await untilSigned();
      expect(await countOf(`ledger.outcome where state = 'issued' and request_id`, held)).toBe(held.length);
    },
  );

  it(
    `resubmits ${size.resubmitted}, 60 % of them in vain: these reach no signer, and each is accounted for`,
    within,
    async () => {
      await pause();
      const third = Math.round(size.resubmitted * 0.3);
      const sound = await open(size.resubmitted - 2 * third);
      const superseded = await open(third);
      const disabled = await open(third, testProfiles.short);
      const { receipt: park } = await post<{ receipt: ReceiptView }>('/queue/park', {
        ...{ filter: { account: 'second-account', ca: 'ca-p256', class: 'async' }, for_s: 7200, reason },
      });
      const all = [...sound, ...superseded, ...disabled];
      await expect
        .poll(() => countOf(`ledger.shelf where receipt = '${park.id}' and request_id`, all), patience)
        .toBe(all.length);
      // Each of these was asked for again since, and the certificate is there.
      const newer = await cloneRequests(system, superseded[0] ?? '', third, {
        equalTo: superseded,
        class: 'interactive',
      });
      await expect
        .poll(() => countOf(`ledger.outcome where state = 'issued' and request_id`, newer), patience)
        .toBe(third);
      await post(`/profiles/${testProfiles.short}/disable`, { reason });
      const { receipt } = await post<{ receipt: ReceiptView }>('/queue/resubmit', {
        ...{ receipt: park.id, filter: {}, states: ['parked'], rate_per_s: 1000, reason },
      });
      await resume();
      await killUntil(receipt.id, 'done');
      const { results } = await detailOf(receipt.id);
      const count = (result: string): number => results.find((one) => one.result === result)?.count ?? 0;
      expect(results.reduce((sum, one) => sum + one.count, 0)).toBeGreaterThanOrEqual(all.length);
      expect(count('superseded')).toBe(third);
      expect(count('profile-disabled')).toBeGreaterThanOrEqual(third);
      await untilSigned();
      expect([await claimed(superseded), await claimed(disabled)]).toEqual([0, 0]);
      expect(await countOf(`ledger.event where kind = 'resubmitted' and request_id`, sound)).toBe(sound.length);
      expect(await countOf(`ledger.outcome where state = 'issued' and request_id`, sound)).toBe(sound.length);
    },
  );

  it('others were served meanwhile, and client history, witness and ledger agree', within, async () => {
    await load.stop();
    await untilAtRest(system, async () => undefined);
    await load.readBack();
    const statuses = load.client.answers.map(({ status }) => status ?? 0);
    expect(statuses.filter((status) => status >= 400 && status < 500)).toEqual([]);
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThan(20);
    expect((await system.audit(load.client.answers)).violations).toEqual([]);
  });
}
