import { ensureDatabase } from '../database.js';
import { refuseFresh, removeServers, startServers } from '../servers.js';
import { createAdminCall } from './admin-call.js';
import type { Arguments } from './arguments.js';
import { operatorKey, prepareDatabase } from './credentials.js';
import { makeDemo, waitUntilKnown } from './demo.js';
import { greeting } from './greeting.js';
import { emptyLocalFolder, lockLocalFolder, openLocalFolder } from './local-folder.js';
import { startServices } from './services.js';
import { createSupervisor, stopLeftovers } from './supervisor.js';

/** Longer than a client waits (6 s) and than a signer's lease (10 s): what was begun can end. */
const drainMs = 15_000;

/**
 * Starts everything, says where it listens, and runs until `stop` aborts; then drains and stops it all, the servers
 * last. `force` aborts when waiting is no longer wanted. Throws when something does not start, having stopped the rest.
 */
export async function launch(
  wanted: Arguments,
  say: (line: string) => void,
  stop: AbortSignal,
  force: AbortSignal,
): Promise<void> {
  const folder = openLocalFolder(wanted.dir);
  const lock = lockLocalFolder(folder);
  const supervisor = createSupervisor(folder, say, stop);
  const undo: (() => Promise<void>)[] = [];
  force.addEventListener('abort', () => supervisor.kill(), { once: true });
  try {
    if (wanted.fresh) refuseFresh();
    const left = await stopLeftovers(folder, drainMs);
    if (left.length > 0) say(`stopped what the last start left running: ${left.join(', ')}`);
    if (wanted.fresh) {
      say(`deleting what lies in ${folder.path}`);
      await removeServers(folder.path);
      emptyLocalFolder(folder);
    }
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
    const goOn = () => stop.throwIfAborted();
    const services = { folder, supervisor, wanted, adminUrl, queueRedisUrl: servers.queueRedis.url, say, goOn };
    const addresses = await startServices(services);
    const operator = { name: 'operator-1', privateKey: operatorKey(folder, 'operator-1') };
    goOn();
    const demo = await makeDemo(createAdminCall(addresses.registry, operator), folder, say, stop);
    await waitUntilKnown(demo, addresses.frontEnds, stop);
    goOn();
    const shown = { postgres: adminUrl, queueRedis: servers.queueRedis.url, cacheRedis: servers.cacheRedis.url };
    process.stdout.write(`${greeting({ addresses, demo, folder, servers: shown })}\n`);
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
