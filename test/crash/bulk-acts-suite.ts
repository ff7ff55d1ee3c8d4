import { setTimeout as wait } from 'node:timers/promises';
import type { ReceiptDetail, ReceiptView } from '@sluice/registry-protocol';
import { makeCsr, type System, startSystem, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilAtRest } from './at-rest.js';
import { type Bystanders, startBystanders } from './bystanders.js';
import { cloneRequests } from './clone-requests.js';

const reason = 'a flood';
const lane = 'async.default';
const heldShare = 0.6;
/** For a slow machine, and for a hundred thousand. */
const within = { timeout: 3_600_000 } as const;
const patience = { timeout: 1_800_000, interval: 100 } as const;
const onItsWay = ['moving', 'undoing', 'running'];

export interface BulkSize {
  readonly parked: number;
  readonly resubmitted: number;
  /** Of the registry, in the middle of each act. */
  readonly kills: number;
  /** What was measured, a line at a time. Nothing is asserted of it. */
  readonly tell: (figure: string) => void;
}

/**
 * What operators do to many requests at once, with real processes, while others order and get their certificates: the
 * registry is killed in the middle of each, again and again, and each effect is there once.
 */
export function bulkActsSuite({ parked: parkedCount, resubmitted: resubmittedCount, kills, tell }: BulkSize): void {
  let system: System;
  let others: Bystanders;
  beforeAll(async () => {
    system = await startSystem({ signers: 1, frontEnds: 1 });
    others = startBystanders(system, 2);
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
  /** The state of a receipt and how far it is, also while no registry runs. */
  async function standingOf(id: string): Promise<{ state: string; progress: string }> {
    const [row] = await system.query<{ state: string; progress: string }>(
      `select state, concat_ws(' ', state, moved, passed_over, returned, at_id, looked_id) as progress from registry.receipt where id = $1`,
      [id],
    );
    if (row === undefined) throw new Error(`there is no receipt ${id}`);
    return row;
  }
  async function until(id: string, state: string): Promise<ReceiptView> {
    await expect.poll(async () => (await standingOf(id)).state, patience).toBe(state);
    return (await detailOf(id)).receipt;
  }

  /** Kills the registry in the middle, each time a moment after it got further, and waits until the receipt says so. */
  async function killUntil(id: string, state: string): Promise<ReceiptView> {
    let killed = 0;
    while (killed < kills) {
      const before = await standingOf(id);
      if (!onItsWay.includes(before.state)) break;
      await expect
        .poll(async () => (await standingOf(id)).progress, { ...patience, interval: 5 })
        .not.toBe(before.progress);
      await wait(Math.random() * 100);
      await system.registry.process.kill9();
      if (onItsWay.includes((await standingOf(id)).state)) killed += 1;
      await system.registry.start();
    }
    tell(`the registry was killed ${killed} times before the receipt was ${state}`);
    return until(id, state);
  }
  /** An order of the other account, to be cloned; none is accepted any more once it has as many open as it may. */
  async function original(profile: string = testProfiles.p256): Promise<string> {
    const name = 'flood.example';
    const order = { profile, csr: makeCsr('ec-p256', name).pem, subjectDn: { common_name: name } };
    const { id, code } = await system
      .client({ apiKey: system.otherApiKey })
      .post({ ...order, prefer: 'respond-async' });
    if (id === undefined) throw new Error(`what was to be cloned was refused: ${code}`);
    return id;
  }
  /** Open requests of the other account. */
  const open = async (count: number): Promise<string[]> => cloneRequests(system, await original(), count);
  const pause = (): Promise<unknown> => post('/queue/pause', { lane, for_s: 3600, reason });
  const resume = (): Promise<unknown> => post('/queue/resume', { lane, reason });
  const park = async (filter: object): Promise<ReceiptView> =>
    (await post<{ receipt: ReceiptView }>('/queue/park', { filter, for_s: 7200, reason })).receipt;
  /** Nothing of the other account is open any more. */
  const untilSigned = (): Promise<void> =>
    expect.poll(() => system.query(`select from ledger.work where account = 'second-account'`), patience).toEqual([]);
  const issued = (ids: readonly string[]): Promise<number> =>
    countOf(`ledger.outcome where state = 'issued' and request_id`, ids);
  /** Serials: the record of every intent to sign. */
  const claimed = (ids: readonly string[]): Promise<number> => countOf('ledger.serial where request_id', ids);

  it(
    `parks 60 % of ${parkedCount} while they are signed: no claim after it takes any, nothing expires, and undoes it once`,
    within,
    async () => {
      const calmMs = Date.now();
      const ids = await open(parkedCount);
      tell(`before: ${others.since(calmMs)}`);
      const beganMs = Date.now();
      const { id, made_at } = await park({ account: 'second-account', fraction: heldShare });
      const receipt = kills > 1 ? await until(id, 'holding') : await killUntil(id, 'holding');
      const held = (
        await system.query<{ id: string }>(
          `select u.id from unnest($1::uuid[]) u (id) where registry.fraction_of(u.id) < ${heldShare}`,
          [ids],
        )
      ).map((row) => row.id);
      const tookS = (Date.parse(receipt.changed_at) - Date.parse(made_at)) / 1000;
      tell(`parked ${receipt.moved} of ${parkedCount} in ${tookS.toFixed(1)} s; meanwhile ${others.since(beganMs)}`);
      const before = await countOf(
        `ledger.serial where claimed_at <= (select made_at from registry.receipt where id = '${id}') and request_id`,
        held,
      );
      expect(await claimed(held)).toBe(before);
      expect(await countOf(`ledger.shelf where receipt = '${id}' and request_id`, held)).toBe(held.length - before);
      expect(await countOf(`ledger.event where kind = 'parked' and request_id`, held)).toBe(held.length - before);
      await untilSigned();
      expect([await claimed(held), await issued(held)]).toEqual([before, before]);
      expect(await countOf(`ledger.outcome where state = 'expired' and request_id`, ids)).toBe(0);
      expect(await issued(ids)).toBe(ids.length - held.length + before);

      const undoMs = Date.now();
      await post(`/receipts/${id}/undo`, { reason });
      const undone = await killUntil(id, 'undone');
      tell(`undone, ${undone.returned} brought back; meanwhile ${others.since(undoMs)}`);
      expect(undone.returned).toBe(undone.moved);
      expect(await countOf(`ledger.event where kind = 'returned' and request_id`, held)).toBe(held.length - before);
      await untilSigned();
      expect([await claimed(ids), await issued(ids)]).toEqual([ids.length, ids.length]);
    },
  );

  it(
    `resubmits ${resubmittedCount}, 60 % of them in vain: these reach no signer, and each is accounted for`,
    within,
    async () => {
      await pause();
      const third = Math.round(resubmittedCount * 0.3);
      const originals = [await original(), await original(), await original(testProfiles.short)] as const;
      const sound = await cloneRequests(system, originals[0], resubmittedCount - 2 * third);
      const superseded = await cloneRequests(system, originals[1], third);
      const disabled = await cloneRequests(system, originals[2], third);
      const { id: parkedBy } = await park({ account: 'second-account', ca: 'ca-p256', class: 'async' });
      const all = [...sound, ...superseded, ...disabled];
      await killUntil(parkedBy, 'holding');
      expect(await countOf(`ledger.shelf where receipt = '${parkedBy}' and request_id`, all)).toBe(all.length);
      expect(await countOf(`ledger.event where kind = 'parked' and request_id`, all)).toBe(all.length);
      // Each of these was asked for again since, and the certificate is there. Not in the class of those who are watched:
      // they would be told, rightly, that so many are before them.
      const newer = await cloneRequests(system, superseded[0] ?? '', third, {
        equalTo: superseded,
        class: 'background',
      });
      await expect.poll(() => issued(newer), patience).toBe(third);
      await post(`/profiles/${testProfiles.short}/disable`, { reason });
      const beganMs = Date.now();
      const { receipt } = await post<{ receipt: ReceiptView }>('/queue/resubmit', {
        ...{ receipt: parkedBy, filter: {}, states: ['parked'], rate_per_s: 1000, reason },
      });
      await resume();
      await killUntil(receipt.id, 'done');
      const { results } = await detailOf(receipt.id);
      const tookS = (Date.now() - beganMs) / 1000;
      const byResult = results.map(({ result, count }) => `${count} ${result ?? 'to come'}`).join(', ');
      tell(`resubmitted in ${tookS.toFixed(1)} s: ${byResult}; meanwhile ${others.since(beganMs)}`);
      const count = (result: string): number => results.find((one) => one.result === result)?.count ?? 0;
      // Three more were cloned from.
      expect(results.reduce((sum, one) => sum + one.count, 0)).toBe(all.length + 3);
      expect([count('superseded'), count('profile-disabled')]).toEqual([third, third + 1]);
      expect(count('resubmitted')).toBe(sound.length + 2);
      await untilSigned();
      expect([await claimed(superseded), await claimed(disabled)]).toEqual([0, 0]);
      expect(await countOf(`ledger.event where kind = 'resubmitted' and request_id`, all)).toBe(sound.length);
      expect([await claimed(sound), await issued(sound)]).toEqual([sound.length, sound.length]);
      tell(`all ended; since the resubmission ${others.since(beganMs)}`);
    },
  );

  it('all others were served, and client history, witness and ledger agree', within, async () => {
    await others.stop();
    await untilAtRest(system, async () => undefined);
    const { answers } = others.client;
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
    expect(answers.length).toBeGreaterThan(20);
    expect((await system.audit(answers)).violations).toEqual([]);
  });
}
