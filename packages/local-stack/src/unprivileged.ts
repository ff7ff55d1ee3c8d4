import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SluiceError } from '@sluice/errors';
import type { ServerCommand } from './server-process.js';

/**
 * How to run PostgreSQL, which refuses to run as root:
 * - `as-is`: we are not root;
 * - `user-namespace`: `unshare` shows it our own uid under another number, so files keep their owner;
 * - `other-user`: as an existing user without rights (nobody). Its files must belong to it and be reachable by it.
 */
export type Unprivileged =
  | { readonly way: 'as-is' }
  | { readonly way: 'user-namespace' }
  | { readonly way: 'other-user'; readonly uid: number; readonly gid: number };

/** It runs the rest of its arguments in its own place: the pid stays. */
const userNamespace = { file: 'unshare', args: ['--user', '--map-user=1000'] } as const;

/** The first way that works here. Adds no user to the system. */
export function findUnprivileged(uid = process.getuid?.()): Unprivileged {
  if (uid !== 0) return { way: 'as-is' };
  const tried = spawnSync(userNamespace.file, [...userNamespace.args, 'true'], { stdio: 'ignore' });
  if (tried.status === 0) return { way: 'user-namespace' };
  return findNobody();
}

export function findNobody(): Unprivileged {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (!Number(uid) || !Number(gid)) {
    throw new SluiceError(
      'unavailable',
      'PostgreSQL does not run as root; neither user namespaces nor a user "nobody" can be had. Start as an ordinary user.',
    );
  }
  return { way: 'other-user', uid: Number(uid), gid: Number(gid) };
}

/** The command, changed so that it runs in that way. The pid is the server's own in each. */
export function asUnprivileged(command: ServerCommand, how: Unprivileged): ServerCommand {
  if (how.way === 'as-is') return command;
  if (how.way === 'other-user') return { ...command, uid: how.uid, gid: how.gid };
  return { ...command, file: userNamespace.file, args: [...userNamespace.args, command.file, ...command.args] };
}

/** True when anybody may pass through every folder above `path`: a clone below a 0700 home cannot be reached. */
export function reachableByAnybody(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * Where the files of a server of `dir` lie when it runs as another user: outside, since our folders are 0700. The
 * folder is root's, so nobody else can have prepared it; below it the server's own may be made.
 */
export function unprivilegedFolder(dir: string, how: Unprivileged & { way: 'other-user' }): string {
  const folder = unprivilegedPath(dir);
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const facts = lstatSync(folder);
  if (!facts.isDirectory() || facts.uid !== process.getuid?.()) {
    throw new SluiceError('unavailable', `${folder} is not ours; remove it`);
  }
  chownSync(folder, facts.uid, how.gid);
  // The group may enter and, for the data directory's rename, root writes; nobody else sees anything.
  chmodSync(folder, 0o750);
  return folder;
}

/** Its path, whether it is there or not. `dir` exists. */
export function unprivilegedPath(dir: string): string {
  const name = createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 16);
  return join('/var/tmp', `sluice-${name}`);
}
