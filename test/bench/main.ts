import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { removePostgres } from '@sluice/local-stack';
import { type System, startSystem } from '@sluice/testkit';
import { type Arguments, readArguments, usage } from './arguments.js';
import { type Cfssl, startCfssl } from './cfssl.js';
import { runClosedLoop } from './closed-loop.js';
import { measureCommit } from './commit-time.js';
import { contenders, runRounds, sluiceTarget } from './contenders.js';
import { postgresCpuMs } from './cpu.js';
import { runEndurance } from './endurance.js';
import { sums } from './endurance-tables.js';
import { page } from './html-report.js';
import { describeMachine } from './machine.js';
import { mapPage, mapTable } from './map-report.js';
import { median } from './median.js';
import { type OpenResult, runOpenLoop } from './open-loop.js';
import { preload } from './preload.js';
import { profiledEnvironment, profileServices } from './profile.js';
import { measurePush } from './push.js';
import { everyCut, measureMap } from './recovery-map.js';
import type { LoadedRate, Results } from './results.js';
import { measureSigningCore } from './signing-core.js';
import { stepMeans } from './steps.js';
import { tableText } from './table-text.js';
import { tablesOf } from './text-report.js';
import { measureWhy } from './why-time.js';

const tell = (text: string): void => console.log(text);
/** Enough to fill every batch; more only waits. */
const fullClients = 128;
/** Of the best rate, arrivals by the clock. */
const openShares = [0.25, 0.5, 0.75, 0.9];

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args === undefined) return tell(usage);
  if (args.map) return await drawMap(args);
  const profileDir = args.profile === undefined ? undefined : resolve(args.profile);
  if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true });
  tell(`${describeMachine()}\nLoad generator, services, Redis and PostgreSQL share these cores. Starting …`);
  const env = profileDir === undefined ? {} : profiledEnvironment(profileDir);
  const system = await startSystem({
    witness: false,
    postgres: 'own',
    env: { 'identity-api': env, signer: env, 'issuer-registry': env },
  });
  const { postgres } = system;
  if (postgres === undefined) throw new Error('the benchmark needs a PostgreSQL of its own');
  const peers = {
    storing: await startCfssl(join(system.dir, 'cfssl-storing'), postgres.adminUrl),
    tuned: await startCfssl(join(system.dir, 'cfssl-tuned'), postgres.adminUrl, 'tuned'),
    plain: await startCfssl(join(system.dir, 'cfssl-plain')),
  };
  try {
    const results = await measureAll(system, peers, postgres.pid, args);
    for (const table of tablesOf(results)) tell(tableText(table));
    if (profileDir !== undefined) {
      tell(`\nProfiles: ${profileDir}`);
      const members = [...system.frontEnds, ...system.signers, system.registry];
      await profileServices(profileDir, members, () => runClosedLoop(sluiceTarget(system), fullClients, args.seconds));
    }
    if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(results, null, 2)}\n`);
    if (args.html !== undefined) writeFileSync(args.html, page(results));
  } finally {
    await Promise.all(Object.values(peers).map((peer) => peer.stop()));
    await system.stop();
  }
  // Twenty gigabytes, after ten million requests. A run that failed leaves them, and the logs.
  await removePostgres(join(system.dir, 'postgres'));
  rmSync(system.dir, { recursive: true, force: true });
}

async function drawMap({ capacity, json, html }: Arguments): Promise<void> {
  tell(describeMachine());
  const cells = await measureMap(capacity, everyCut(), (cell) => tell(JSON.stringify(cell)));
  tell(tableText(mapTable(cells)));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(cells, null, 2)}\n`);
  if (html !== undefined) writeFileSync(html, mapPage(cells, describeMachine(), new Date().toISOString()));
}

async function measureAll(
  system: System,
  peers: { storing: Cfssl; tuned: Cfssl; plain: Cfssl },
  postgresPid: number,
  { rounds, seconds, preload: rows, minutes, minuteSeconds, subscribers }: Arguments,
): Promise<Results> {
  const target = sluiceTarget(system);
  const signing = measureSigningCore(seconds);
  const closed = await runRounds(contenders(system, peers, postgresPid), { rounds, seconds, tell });
  const best = Math.max(...closed.filter(({ name }) => name === 'Sluice').map(({ ratePerSecond }) => ratePerSecond));
  const commit = await measureCommit(system.adminUrl, seconds / 2);
  const idle = { latency: (await runClosedLoop(target, 1, seconds)).latency, commit };
  const preloaded = rows === 0 ? undefined : await loadedRate(system, rows, rounds, seconds);
  const open: OpenResult[] = [];
  for (const share of openShares) {
    tell(`open loop at ${(best * share).toFixed(0)}/s`);
    open.push(await runOpenLoop(target, best * share, seconds));
  }
  const why = await measureWhy(system, 200);
  const endurance =
    minutes === 0
      ? undefined
      : await runEndurance(system, target, {
          clients: fullClients,
          minutes,
          secondsPerMinute: minuteSeconds,
          tell: (row) =>
            tell(
              `minute ${row.minute} of ${minutes}: ${row.ratePerSecond.toFixed(0)}/s, p99 ${row.p99Ms.toFixed(0)} ms, ${sums.deadRows(row)} dead rows`,
            ),
        });
  const steps = await Promise.all(
    [...system.frontEnds, ...system.signers].map(({ name, url }) => stepMeans(name, url)),
  );
  const push = await measurePush(system, subscribers, tell);
  return {
    at: new Date().toISOString(),
    machine: describeMachine(),
    cfssl: peers.storing.version,
    rounds,
    seconds,
    closed,
    open,
    idle,
    signing,
    why,
    push,
    ...(preloaded === undefined ? {} : { preloaded }),
    ...(endurance === undefined ? {} : { endurance }),
    steps: steps.flat(),
  };
}

/** The rate with an empty ledger, then with so many requests in it; and what each certificate costs PostgreSQL. */
async function loadedRate(system: System, requests: number, rounds: number, seconds: number) {
  const rate = async (): Promise<LoadedRate> => {
    const all: LoadedRate[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const usedMs = postgresCpuMs(system);
      const { ratePerSecond, latency } = await runClosedLoop(sluiceTarget(system), fullClients, seconds);
      all.push({ ratePerSecond, postgresCpuMsEach: (postgresCpuMs(system) - usedMs) / Math.max(1, latency.count) });
    }
    return {
      ratePerSecond: median(all.map((one) => one.ratePerSecond)),
      postgresCpuMsEach: median(all.map((one) => one.postgresCpuMsEach)),
    };
  };
  const before = await rate();
  const loaded = await preload(system, requests, tell);
  return { ...loaded, before, after: await rate() };
}

await main();
