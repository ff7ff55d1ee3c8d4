import type { System } from '@sluice/testkit';
import type { Cfssl } from './cfssl.js';
import { type ClosedResult, runClosedLoop } from './closed-loop.js';
import { cpuMs } from './cpu.js';
import { median } from './median.js';
import { cfsslRequests, sluiceRequests } from './requests.js';
import type { Target } from './target.js';

type Cpu = Record<string, number>;
interface Measured {
  readonly result: ClosedResult;
  readonly cpu: Cpu;
}

/** One row of the table: somebody, with so many clients. */
export interface Contender {
  readonly name: string;
  readonly clients: number;
  readonly target: Target;
  /** CPU milliseconds so far, by part; undefined where it cannot be known. */
  readonly cpu: () => Record<string, number | undefined>;
}

/** Medians over the rounds. */
export interface ClosedRow {
  readonly name: string;
  readonly clients: number;
  readonly ratePerSecond: number;
  readonly rates: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly cpuMsPerCertificate: Readonly<Cpu>;
}

export const storing = 'CFSSL, storing';
export const tuned = 'CFSSL, storing, tuned';
export const storingNothing = 'CFSSL, storing nothing';

export function sluiceTarget(system: System): Target {
  const frontEnd = system.frontEnds[0];
  if (frontEnd === undefined) throw new Error('no front end');
  return { origin: frontEnd.url, next: sluiceRequests(system.apiKey), accepts: (status) => status === 201 };
}

/** Sluice and its peers, in the order of the table. */
export function contenders(
  system: System,
  peers: { storing: Cfssl; tuned: Cfssl; plain: Cfssl },
  postgresPid: number,
): Contender[] {
  const target = sluiceTarget(system);
  const processes = (members: System['signers']): number =>
    members.reduce((sum, member) => sum + (cpuMs(member.process.pid) ?? 0), 0);
  const sluice = (clients: number): Contender => ({
    name: 'Sluice',
    clients,
    target,
    cpu: () => ({
      'identity-api': processes(system.frontEnds),
      signer: processes(system.signers),
      PostgreSQL: cpuMs(postgresPid),
      Redis: cpuMs(system.redis.pid),
    }),
  });
  const next = cfsslRequests();
  const cfssl = (name: string, peer: Cfssl, clients: number): Contender => ({
    name,
    clients,
    target: {
      origin: peer.origin,
      next,
      accepts: (status, body) => status === 200 && body.includes('BEGIN CERTIFICATE'),
    },
    cpu: () => ({ cfssl: cpuMs(peer.pid), ...(peer === peers.plain ? {} : { PostgreSQL: cpuMs(postgresPid) }) }),
  });
  return [
    ...[1, 32, 128].map(sluice),
    ...[1, 2, 32].map((clients) => cfssl(storing, peers.storing, clients)),
    ...[2, 32].map((clients) => cfssl(tuned, peers.tuned, clients)),
    cfssl(storingNothing, peers.plain, 32),
  ];
}

/** Rounds in which everybody takes turns, so that a busy neighbour costs all of them the same. */
export async function runRounds(
  all: readonly Contender[],
  options: { rounds: number; seconds: number; tell: (text: string) => void },
): Promise<ClosedRow[]> {
  const { rounds, seconds, tell } = options;
  const measured = all.map((): Measured[] => []);
  // Warm: compiled code, connections, plans.
  for (const { name, target, clients } of all) {
    const { latency, failures } = await runClosedLoop(target, clients, Math.min(3, seconds));
    if (latency.count === 0) throw new Error(`${name} issues nothing: ${JSON.stringify(failures)}`);
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, contender] of all.entries()) {
      const leftS = ((rounds - round) * all.length + all.length - index) * seconds;
      tell(`round ${round} of ${rounds}: ${contender.name}, ${contender.clients} client(s); about ${leftS} s left`);
      measured[index]?.push(await measure(contender, seconds));
    }
  }
  return all.map((contender, index) => toRow(contender, measured[index] ?? []));
}

async function measure({ target, clients, cpu }: Contender, seconds: number): Promise<Measured> {
  const before = cpu();
  const result = await runClosedLoop(target, clients, seconds);
  const used: Cpu = {};
  for (const [part, ms] of Object.entries(cpu())) {
    const had = before[part];
    if (ms !== undefined && had !== undefined) used[part] = (ms - had) / Math.max(1, result.latency.count);
  }
  return { result, cpu: used };
}

function toRow({ name, clients }: Contender, rounds: readonly Measured[]): ClosedRow {
  const failures: Record<string, number> = {};
  for (const { result } of rounds)
    for (const [what, count] of Object.entries(result.failures)) failures[what] = (failures[what] ?? 0) + count;
  const parts = Object.keys(rounds[0]?.cpu ?? {});
  return {
    name,
    clients,
    ratePerSecond: median(rounds.map(({ result }) => result.ratePerSecond)),
    rates: rounds.map(({ result }) => Math.round(result.ratePerSecond)),
    p50Ms: median(rounds.map(({ result }) => result.latency.p50Ms)),
    p99Ms: median(rounds.map(({ result }) => result.latency.p99Ms)),
    failures,
    cpuMsPerCertificate: Object.fromEntries(
      parts.map((part) => [part, median(rounds.map(({ cpu }) => cpu[part] ?? Number.NaN))]),
    ),
  };
}
