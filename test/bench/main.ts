import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type System, startSystem } from '@sluice/testkit';
import { type Cfssl, startCfssl } from './cfssl.js';
import { cpuMs } from './cpu.js';
import { type LoadResult, median, runClosedLoop } from './load.js';
import { describeMachine } from './machine.js';
import { cfsslRequests, sluiceRequests } from './requests.js';
import { stepMeans } from './steps.js';

const usage = `npm run bench -- [--rounds 3] [--seconds 8] [--json FILE]

Issuance and idle latency, Sluice beside CFSSL in the same run: rounds alternate, medians are printed.`;

interface Contender {
  readonly name: string;
  readonly clients: number;
  readonly run: (seconds: number) => Promise<LoadResult>;
  /** CPU milliseconds so far, by part. */
  readonly cpu: () => Record<string, number | undefined>;
}

function contenders(system: System, storing: Cfssl, plain: Cfssl, postgresPid: number): Contender[] {
  const frontEnd = system.frontEnds[0];
  if (frontEnd === undefined) throw new Error('no front end');
  const next = sluiceRequests(system.apiKey);
  const nextPeer = cfsslRequests();
  const sluiceCpu = () => ({
    'identity-api': cpuMs(frontEnd.process.pid),
    signer: system.signers.reduce((sum, signer) => sum + (cpuMs(signer.process.pid) ?? 0), 0),
    PostgreSQL: cpuMs(postgresPid),
    Redis: cpuMs(system.redis.pid),
  });
  const sluice = (clients: number): Contender => ({
    name: 'Sluice',
    clients,
    cpu: sluiceCpu,
    run: (seconds) =>
      runClosedLoop({ origin: frontEnd.url, clients, seconds, next, accepts: (status) => status === 201 }),
  });
  const cfssl = (name: string, peer: Cfssl, clients: number): Contender => ({
    name,
    clients,
    cpu: () => ({ cfssl: cpuMs(peer.pid), PostgreSQL: cpuMs(postgresPid) }),
    run: (seconds) =>
      runClosedLoop({
        origin: peer.origin,
        clients,
        seconds,
        next: nextPeer,
        accepts: (status, body) => status === 200 && body.includes('BEGIN CERTIFICATE'),
      }),
  });
  return [
    sluice(1),
    sluice(32),
    sluice(128),
    cfssl('CFSSL, storing', storing, 1),
    cfssl('CFSSL, storing', storing, 2),
    cfssl('CFSSL, storing', storing, 32),
    cfssl('CFSSL, storing nothing', plain, 32),
  ];
}

interface Row {
  readonly name: string;
  readonly clients: number;
  readonly ratePerSecond: number;
  readonly rates: number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: Record<string, number>;
  readonly cpuMsPerCertificate: Record<string, number>;
}

async function measure(
  contender: Contender,
  seconds: number,
): Promise<{ result: LoadResult; cpu: Record<string, number> }> {
  const before = contender.cpu();
  const result = await contender.run(seconds);
  const after = contender.cpu();
  const cpu: Record<string, number> = {};
  for (const [part, used] of Object.entries(after)) {
    const had = before[part];
    if (used !== undefined && had !== undefined) cpu[part] = (used - had) / Math.max(1, result.answered);
  }
  return { result, cpu };
}

function toRow(contender: Contender, rounds: readonly { result: LoadResult; cpu: Record<string, number> }[]): Row {
  const failures: Record<string, number> = {};
  for (const { result } of rounds)
    for (const [what, count] of Object.entries(result.failures)) failures[what] = (failures[what] ?? 0) + count;
  const parts = Object.keys(rounds[0]?.cpu ?? {});
  return {
    name: contender.name,
    clients: contender.clients,
    ratePerSecond: median(rounds.map(({ result }) => result.ratePerSecond)),
    rates: rounds.map(({ result }) => Math.round(result.ratePerSecond)),
    p50Ms: median(rounds.map(({ result }) => result.p50Ms)),
    p99Ms: median(rounds.map(({ result }) => result.p99Ms)),
    failures,
    cpuMsPerCertificate: Object.fromEntries(
      parts.map((part) => [part, median(rounds.map(({ cpu }) => cpu[part] ?? Number.NaN))]),
    ),
  };
}

function printTable(rows: readonly Row[]): void {
  const lines = rows.map((row) => {
    const cpu = Object.entries(row.cpuMsPerCertificate).map(([part, ms]) => `${part} ${ms.toFixed(2)}`);
    const failed = Object.entries(row.failures).map(([what, count]) => `${count} × ${what}`);
    return [
      row.name,
      String(row.clients),
      row.ratePerSecond.toFixed(0),
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      cpu.join(', '),
      failed.join(', ') || '–',
    ];
  });
  const head = ['what', 'clients', 'certificates/s', 'p50 ms', 'p99 ms', 'CPU ms per certificate', 'failed'];
  const widths = head.map((title, index) => Math.max(title.length, ...lines.map((line) => line[index]?.length ?? 0)));
  const print = (cells: readonly string[]): void =>
    console.log(`| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`);
  print(head);
  print(widths.map((width) => '-'.repeat(width)));
  for (const line of lines) print(line);
}

function printRatios(rows: readonly Row[]): void {
  const rate = (name: string, clients: number): number =>
    rows.find((row) => row.name === name && row.clients === clients)?.ratePerSecond ?? Number.NaN;
  const best = Math.max(rate('Sluice', 32), rate('Sluice', 128));
  const peers = [1, 2, 32].map((clients) => rate('CFSSL, storing', clients));
  console.log(
    `\nSluice's best against CFSSL storing in the same PostgreSQL, at its best: × ${(best / Math.max(...peers)).toFixed(2)}`,
  );
  console.log(
    `Sluice at 32 clients against CFSSL storing, at 32: × ${(rate('Sluice', 32) / rate('CFSSL, storing', 32)).toFixed(2)}`,
  );
  console.log(
    `Sluice's best against CFSSL storing nothing: × ${(best / rate('CFSSL, storing nothing', 32)).toFixed(2)}`,
  );
}

async function printSteps(system: System): Promise<void> {
  console.log('\nWhere the time goes (mean ms of each step, whole run):');
  for (const member of [...system.frontEnds, ...system.signers]) {
    const means = await stepMeans(member.url);
    for (const [step, { count, meanMs }] of means)
      console.log(`  ${member.name.padEnd(15)} ${step.padEnd(34)} ${meanMs.toFixed(3).padStart(9)}  × ${count}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '8' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return;
  }
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  console.log(describeMachine());
  console.log('Load generator, services, Redis and PostgreSQL share these cores. Starting …');
  const system = await startSystem({ witness: false, postgres: 'own' });
  const { postgres } = system;
  if (postgres === undefined) throw new Error('the benchmark needs a PostgreSQL of its own');
  const storing = await startCfssl(join(system.dir, 'cfssl-storing'), postgres.adminUrl);
  const plain = await startCfssl(join(system.dir, 'cfssl-plain'));
  try {
    const all = contenders(system, storing, plain, postgres.pid);
    const measured = all.map((): { result: LoadResult; cpu: Record<string, number> }[] => []);
    for (const contender of all) await contender.run(Math.min(3, seconds)); // warm: compiled code, connections, plans
    for (let round = 1; round <= rounds; round += 1) {
      for (const [index, contender] of all.entries()) {
        const leftS = ((rounds - round) * all.length + all.length - index) * seconds;
        console.log(
          `round ${round} of ${rounds}: ${contender.name}, ${contender.clients} client(s); about ${Math.round(leftS)} s left`,
        );
        measured[index]?.push(await measure(contender, seconds));
      }
    }
    const rows = all.map((contender, index) => toRow(contender, measured[index] ?? []));
    console.log(
      `\nCFSSL ${storing.version} as Debian ships it; medians of ${rounds} alternating rounds of ${seconds} s\n`,
    );
    printTable(rows);
    printRatios(rows);
    await printSteps(system);
    if (values.json !== undefined)
      writeFileSync(
        values.json,
        `${JSON.stringify({ machine: describeMachine(), cfssl: storing.version, rounds, seconds, rows }, null, 2)}\n`,
      );
  } finally {
    await Promise.all([storing.stop(), plain.stop()]);
    await system.stop();
  }
}

await main();
