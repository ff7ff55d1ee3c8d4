import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findOnPath } from './debian-tool.js';
import { startRedis } from './redis.js';
import { redisBinary } from './redis-binary.js';

let dir: string;
const before = { PATH: process.env.PATH, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME };
const fetchers = ['apt-get', 'apt-cache', 'dpkg-deb', 'dpkg', 'tar', 'sh', 'xz', 'zstd', 'gzip', 'gpgv', 'unshare'];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-tool-'));
  process.env.XDG_CACHE_HOME = join(dir, 'cache');
});
afterEach(() => {
  Object.assign(process.env, before);
  if (before.XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
  rmSync(dir, { recursive: true, force: true });
});

/** A PATH with these programs only. */
function only(...names: string[]): void {
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  for (const name of names) {
    const real = findOnPath(name);
    if (real !== undefined) symlinkSync(real, join(bin, name));
  }
  process.env.PATH = bin;
}

test('without apt-get and without Redis: one message that says what to install or set', async () => {
  only('sh');
  await expect(redisBinary()).rejects.toThrow(/valkey.*REDIS_URL.*no apt-get/s);
});

test('a Redis that is not installed is fetched into the cache folder and runs', async ({ skip }) => {
  if (findOnPath('apt-get') === undefined) skip('no apt-get here: not a Debian');
  only(...fetchers);
  const tool = await redisBinary().catch((fault: Error) => skip(`the mirror cannot be reached: ${fault.message}`));
  expect(tool.path.startsWith(join(dir, 'cache'))).toBe(true);
  const server = await startRedis({ dir: join(dir, 'redis'), policy: 'noeviction' });
  try {
    expect(await redisBinary()).toEqual(tool);
  } finally {
    await server.stop();
  }
});
