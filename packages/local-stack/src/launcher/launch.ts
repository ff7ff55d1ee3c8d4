import { join } from 'node:path';
import { ensureDatabase } from '../database.js';
import { writeSecretFile } from '../secret-file.js';
import { refuseFresh, removeServers, startServers } from '../servers.js';
import { createAdminCall } from './admin-call.js';
import type { Arguments } from './arguments.js';
import { operatorKey, operatorKeyFile, operatorNames, prepareDatabase } from './credentials.js';
import { makeDemo, waitUntilKnown } from './demo.js';
import { greeting } from './greeting.js';
import { emptyLocalFolder, type LocalFolder, lockLocalFolder, openLocalFolder } from './local-folder.js';
import { createServices } from './services.js';
import { createSupervisor, type Supervisor, stopLeftovers } from './supervisor.js';

/** Tells the person at the terminal one line. */
type Say = (line: string) => void;

/** Longer than a client waits (6 s) and than a signer's lease (10 s): what was begun can end. */
const drainMs = 15_000;

export interface LaunchSignals {
  /** Aborts when everything shall drain and stop. */
  readonly stop: AbortSignal;
  /** Aborts when waiting is no longer wanted. */
  readonly force: AbortSignal;
}

/** What is stopped, last one first. */
type Undo = (() => Promise<void>)[];

/**
 * Starts everything, says where it listens, and runs until told to stop; then drains and stops it all, the servers
 * last. Throws when something does not start, having stopped the rest.
 */
export async function launch(wanted: Arguments, say: Say, { stop, force }: LaunchSignals): Promise<void> {
  const folder = openLocalFolder(wanted.dir);
  const lock = lockLocalFolder(folder);
  const supervisor = createSupervisor(folder, say, stop);
  force.addEventListener('abort', () => supervisor.kill(), { once: true });
  const undo: Undo = [];
  try {
    await clearAway(wanted, folder, say);
    process.stdout.write(`${await bringUp({ wanted, folder, supervisor, say, stop, undo })}\n`);
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
  } catch (fault) {
    if (!stop.aborted) throw fault;
  } finally {
    for (const step of undo.reverse()) await step();
    lock.unlock();
    if (stop.aborted) say('stopped');
  }
}

/** Stops the services a killed launcher left; with --fresh deletes everything, the servers' data too. */
async function clearAway(wanted: Arguments, folder: LocalFolder, say: Say): Promise<void> {
  if (wanted.fresh) refuseFresh();
  const left = await stopLeftovers(folder, drainMs);
  if (left.length > 0) say(`stopped what the last start left running: ${left.join(', ')}`);
  if (!wanted.fresh) return;
  say(`deleting what lies in ${folder.path}`);
  await removeServers(folder.path);
  emptyLocalFolder(folder);
}

interface BringUp {
  readonly wanted: Arguments;
  readonly folder: LocalFolder;
  readonly supervisor: Supervisor;
  readonly say: Say;
  readonly stop: AbortSignal;
  /** Grows with what has been started, so that a failure half-way is undone. */
  readonly undo: Undo;
}

/** Servers, database, registry, signers, then front ends and demo side by side. Returns the greeting. */
async function bringUp({ wanted, folder, supervisor, say, stop, undo }: BringUp): Promise<string> {
  const servers = await startServers({ dir: folder.path, onProgress: say });
  undo.push(async () => {
    say('stopping Redis and PostgreSQL');
    await servers.stop();
  });
  stop.throwIfAborted();
  const ours = servers.postgres.own !== undefined;
  const adminUrl = ours ? await ensureDatabase(servers.postgres.adminUrl, 'sluice') : servers.postgres.adminUrl;
  say('database: migrations and roles');
  await prepareDatabase(folder, adminUrl);

  undo.push(async () => {
    say('draining the services');
    await supervisor.stop(drainMs);
  });
  const queueRedisUrl = servers.queueRedis.url;
  const services = createServices({ folder, supervisor, adminUrl, queueRedisUrl, say, stop });
  const registry = await services.startRegistry();
  writeCommandLineSettings(folder, registry);
  const signers = await services.startSigners(wanted.signers, registry);
  const operator = { name: operatorNames[0], privateKey: operatorKey(folder, operatorNames[0]) };
  // The demo needs no front end.
  const [frontEnds, demo] = await Promise.all([
    services.startFrontEnds(wanted.frontEnds, registry, wanted.port),
    makeDemo(createAdminCall(registry, operator), folder, say, stop),
  ]);
  await waitUntilKnown(demo, frontEnds, stop);
  stop.throwIfAborted();
  return greeting({
    addresses: { registry, signers, frontEnds },
    demo,
    folder,
    servers: { postgres: adminUrl, queueRedis: queueRedisUrl, cacheRedis: servers.cacheRedis.url },
  });
}

/** Where `sluice` finds the registry and an operator's key when it is told nothing else. */
function writeCommandLineSettings(folder: LocalFolder, registry: string): void {
  const operator = operatorNames[0];
  const settings = { registry_url: `http://${registry}`, operator, key_file: operatorKeyFile(folder, operator) };
  writeSecretFile(join(folder.path, 'sluice.json'), `${JSON.stringify(settings, null, 2)}\n`);
}
