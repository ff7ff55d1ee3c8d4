import { randomUUID } from 'node:crypto';
import {
  type Answer,
  makeCsr,
  makeMoreCas,
  type RecordingClient,
  type System,
  type SystemOptions,
  startSystem,
} from '@sluice/testkit';
import { expect, vi } from 'vitest';
import { destroyKeys } from './destroy-keys.js';

/** What a busy machine may add to the rejection of what was held. */
const noticeMs = 30_000;

/**
 * CAs that die as those of the incident did: their keys are destroyed first, then the registry is told, then, perhaps,
 * the front ends. Meanwhile somebody who is never told goes on asking for certificates of theirs, and others for those
 * of healthy CAs.
 */
export interface DeadCas {
  readonly system: System;
  readonly names: readonly string[];
  /** May use the profiles of the dead CAs; nobody tells it anything. */
  readonly requester: RecordingClient;
  readonly healthy: RecordingClient;
  /** The keys are gone from the token, and the registry does not know. */
  destroyKeys(): void;
  /** The registry knows, and signers hear of it; front ends do not. What was held is no longer, and is rejected. */
  disableUnheard(): Promise<void>;
  /** The front ends hear of it at last. */
  tellFrontEnds(): Promise<void>;
  /** An order of the CA that is next in turn. */
  askForDead(prefer?: string): Promise<Answer>;
  askForHealthy(profile: string): Promise<Answer>;
  /** What should not be: see `Harm`. */
  harm(): Promise<Harm>;
  /** What the ledger has of the dead CAs. */
  traces(): Promise<Traces>;
}

/** Since the beginning. */
export interface Harm {
  /** Asked of a key of a dead CA. */
  readonly signatures: number;
  /** Waits that signers took upon themselves, in seconds, but for those of a dead CA alone for its missing key. */
  readonly backOff: Readonly<Record<string, number>>;
  /** Breakers that ever opened. */
  readonly breakers: readonly string[];
  /** Serials of dead CAs that a signature may exist under. Those given back before the key was asked are void. */
  readonly burned: number;
}
export const noHarm: Harm = { signatures: 0, backOff: {}, breakers: [], burned: 0 };

export interface Traces {
  readonly requests: number;
  readonly serials: number;
  readonly rejected: number;
  readonly quarantined: number;
}

export async function startDeadCas(count: number, options: SystemOptions): Promise<DeadCas> {
  const system = await startSystem({ signers: 2, frontEnds: 2, wires: true, ...options });
  const names = Array.from({ length: count }, (_, index) => `dead-${index + 1}`);
  const { apiKey } = await makeMoreCas(system.admin, names);
  await system.applied([...system.signers, ...system.frontEnds]);
  const requester = system.client({ apiKey });
  const healthy = system.client();
  let asked = 0;
  return {
    system,
    names,
    requester,
    healthy,
    destroyKeys() {
      destroyKeys(system, names);
    },
    async disableUnheard() {
      system.wires?.frontEndsRegistry.cut();
      const reason = 'its key was destroyed';
      await Promise.all(names.map((name) => system.admin.call('POST', `/admin/v1/cas/${name}/disable`, { reason })));
      await system.query(
        `select registry.lift_quarantine('operator-1', name, null, 'disabled') from unnest($1::text[]) name`,
        [names],
      );
      await system.applied(system.signers);
      await vi.waitFor(async () => expect(await openOf(system, names)).toBe(0), { timeout: noticeMs, interval: 100 });
    },
    async tellFrontEnds() {
      system.wires?.frontEndsRegistry.heal();
      await system.applied(system.frontEnds);
    },
    askForDead(prefer) {
      const name = names[asked++ % names.length];
      return requester.post({ profile: `${name}-tls`, ...newSubject(), ...(prefer === undefined ? {} : { prefer }) });
    },
    askForHealthy: (profile) => healthy.post({ profile, ...newSubject() }),
    harm: () => harmIn(system, names),
    traces: () => tracesOf(system, names),
  };
}

function newSubject() {
  const name = `${randomUUID()}.example`;
  return { csr: makeCsr('ec-p256', name).pem, subjectDn: { common_name: name } };
}

async function openOf(system: System, names: readonly string[]): Promise<number> {
  const [row] = await system.query<{ open: number }>(
    `select count(*)::int as open from ledger.work where ca = any($1) and purpose = 'subscriber'`,
    [names],
  );
  return row?.open ?? Number.NaN;
}

async function tracesOf(system: System, names: readonly string[]): Promise<Traces> {
  const [row] = await system.query<Traces>(
    `select count(*)::int as requests,
       (select count(*)::int from ledger.serial where ca = any($1)) as serials,
       (count(*) filter (where o.state = 'rejected' and o.code = 'ca-disabled'))::int as rejected,
       (select count(*)::int from registry.ca where name = any($1) and quarantined) as quarantined
     from ledger.request r left join ledger.outcome o on o.request_id = r.id
     where r.ca = any($1) and r.purpose = 'subscriber'`,
    [names],
  );
  if (row === undefined) throw new Error('count gives a row');
  return row;
}

async function harmIn(system: System, names: readonly string[]): Promise<Harm> {
  const [burned] = await system.query<{ count: number }>(
    `select count(*)::int as count from ledger.serial where ca = any($1) and state = 'burned'`,
    [names],
  );
  const backOff: Record<string, number> = {};
  for (const signer of system.signers) {
    for (const [, ca = '', code = '', seconds] of await samples(
      signer.url,
      /^sluice_back_off_seconds_total\{ca="([^"]*)",code="([^"]*)",[^}]*\} (.+)$/gm,
    )) {
      if (names.includes(ca) && code === 'key-missing') continue;
      backOff[`${ca} ${code}`] = (backOff[`${ca} ${code}`] ?? 0) + Number(seconds);
    }
  }
  const members = [...system.signers, ...system.frontEnds, system.registry];
  const opened = await Promise.all(
    members.map(async ({ name, url }) =>
      (await samples(url, /^sluice_breaker_opened_total\{dependency="([^"]*)",[^}]*\} [1-9]/gm)).map(
        ([, dependency]) => `${name} ${dependency}`,
      ),
    ),
  );
  return {
    signatures: system.witness().filter(({ label }) => names.includes(label)).length,
    backOff,
    breakers: opened.flat(),
    burned: burned?.count ?? Number.NaN,
  };
}

async function samples(url: string, form: RegExp): Promise<RegExpMatchArray[]> {
  return [...(await (await fetch(`${url}/metrics`)).text()).matchAll(form)];
}
