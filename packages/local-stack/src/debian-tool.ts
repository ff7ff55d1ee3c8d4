import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SluiceError } from '@sluice/errors';
import { type Environment, environment } from './environment.js';

const run = promisify(execFile);

/** A program and the environment it needs to find its libraries. */
export interface Tool {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The program `binary`: from PATH, else out of the distribution's `packages` and what they depend on, downloaded by
 * `apt-get` and unpacked below the user's cache folder. Nothing is installed, no right of root is needed, and the
 * system's own package lists are only read. Throws `unavailable` with the reason, so that a test can skip aloud.
 */
export async function fetchDebianTool(packages: readonly string[], binary: string): Promise<Tool> {
  const around = environment();
  const onPath = findOnPath(binary, around);
  if (onPath !== undefined) return { path: onPath, env: around.base };
  const cache = cacheFolder(around);
  const folder = join(cache, 'debian', packages.join('+'));
  const kept = await usable(folder, binary, around);
  if (kept !== undefined) return kept;
  for (const need of ['apt-get', 'dpkg-deb']) {
    if (findOnPath(need, around) === undefined) {
      throw new SluiceError('unavailable', `${binary} is not on PATH and there is no ${need} here to fetch it with`);
    }
  }
  const half = `${folder}.${process.pid}`;
  try {
    await download(packages, half, cache, around);
    await unpack(half, around);
    rmSync(folder, { recursive: true, force: true });
    renameSync(half, folder);
  } catch (cause) {
    const fetched = await usable(folder, binary, around); // another process may have been first
    if (fetched !== undefined) return fetched;
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    throw new SluiceError(
      'unavailable',
      `${binary} is not on PATH and apt-get cannot fetch ${packages.join(', ')}: ${said}`,
      {
        cause,
      },
    );
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
  const fetched = await usable(folder, binary, around);
  if (fetched === undefined) {
    throw new SluiceError('unavailable', `${packages.join(', ')} were fetched, but their ${binary} does not run here`);
  }
  return fetched;
}

const projectCache = fileURLToPath(new URL('../../../.local/cache', import.meta.url));

/** The user's, or the project's when the user has none that can be written (no home, say). */
function cacheFolder(around: Environment): string {
  try {
    mkdirSync(around.cacheFolder, { recursive: true });
    accessSync(around.cacheFolder, constants.W_OK);
    return around.cacheFolder;
  } catch {
    mkdirSync(projectCache, { recursive: true });
    return projectCache;
  }
}

/** The first executable of that name, or undefined. */
export function findOnPath(binary: string, around: Environment = environment()): string | undefined {
  return around.path.map((folder) => join(folder, binary)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // that is the answer
  }
}

/** The unpacked program, when it is there and answers: a cache may come from another release of the system. */
async function usable(folder: string, binary: string, around: Environment): Promise<Tool | undefined> {
  const root = join(folder, 'root');
  const path = ['usr/bin', 'usr/sbin', 'bin', 'sbin'].map((bin) => join(root, bin, binary)).find(isExecutable);
  if (path === undefined) return undefined;
  const tool = { path, env: { ...around.base, LD_LIBRARY_PATH: libraryFolders(root).join(':') } };
  try {
    // Whatever it says to this: a program whose libraries are missing ends with 127 before it says anything.
    await run(path, ['--version'], { env: tool.env, timeout: 10_000 });
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && (fault.code === 127 || typeof fault.code === 'string'))
      return undefined;
  }
  return tool;
}

/** usr/lib, lib and their folders by architecture. */
function libraryFolders(root: string): string[] {
  return ['usr/lib', 'lib', 'usr/lib64', 'lib64']
    .map((name) => join(root, name))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [
      ...readdirSync(folder)
        .filter((name) => name.includes('-linux-'))
        .map((name) => join(folder, name)),
      folder,
    ]);
}

/** Downloads the packages and whatever they depend on that is not installed, by the system's lists, else by lists of our own. */
async function download(
  packages: readonly string[],
  folder: string,
  cacheDir: string,
  around: Environment,
): Promise<void> {
  const archives = join(folder, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  const cache = ['-o', `Dir::Cache=${folder}`, '-o', 'Dir::Cache::archives=archives', '-o', 'APT::Sandbox::User=root'];
  const env = { ...around.base, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const get = async (options: string[]): Promise<void> => {
    const plan = await run('apt-get', [...options, '-s', '--no-install-recommends', 'install', ...packages], {
      env,
      maxBuffer: 1 << 26,
    });
    const missing = [...plan.stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
    // A C library of another release does not go with the system's loader.
    const wanted = missing.filter((name) => !/^libc6\b/.test(name));
    // Installed but not on PATH: nothing to install, still to fetch.
    await run('apt-get', [...options, 'download', ...new Set([...packages, ...wanted])], {
      env,
      cwd: archives,
      timeout: 120_000,
    });
  };
  try {
    await get(cache);
  } catch {
    // No lists, or older than what the mirror still has: lists of our own, in a folder of our own.
    const state = join(cacheDir, 'apt-state');
    mkdirSync(join(state, 'lists', 'partial'), { recursive: true });
    const own = [...cache, '-o', `Dir::State=${state}`, '-o', 'Dir::State::status=/var/lib/dpkg/status'];
    // One source that cannot be reached need not be the one we want: the download tells.
    const update = await run('apt-get', [...own, 'update'], { env, timeout: 120_000 }).catch((fault: unknown) => fault);
    await get(own).catch((cause: unknown) => {
      throw update instanceof Error && 'stderr' in update ? update : cause;
    });
  }
}

async function unpack(folder: string, around: Environment): Promise<void> {
  const archives = join(folder, 'archives');
  const root = join(folder, 'root');
  mkdirSync(root);
  for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
    await run('dpkg-deb', ['-x', join(archives, name), root], { env: around.base });
  }
  rmSync(archives, { recursive: true });
  writeFileSync(join(folder, 'README'), 'Unpacked Debian packages, fetched by Sluice. May be deleted.\n');
}
