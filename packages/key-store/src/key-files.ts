import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/errors';

/**
 * The control object: an encrypted key of no CA, made by `initialise`. That it is found tells "this
 * key is gone" from "this is not the token" (a volume that is not mounted); that it opens, that the pass phrase is the
 * token's, before a key is made under another one. No CA name begins with a dot.
 */
export const controlName = '.control';

/** What tells one state of a file from another, cheaply. */
export interface FileStamp {
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
}

/** The files of one token. Errors of the file system come out as `token-failed`, except those a verb names. */
export interface KeyFiles {
  /** True when no key lies in the directory, not even the control object, or there is no directory. */
  isEmpty(): Promise<boolean>;
  /** Makes the directory when there is none. */
  makeDirectory(): Promise<void>;
  /** `undefined` when there is no such file. */
  stamp(name: string): Promise<FileStamp | undefined>;
  read(name: string): Promise<{ pem: string; stamp: FileStamp } | undefined>;
  /** Durable on return. False, and nothing changed, when the name is taken. */
  create(name: string, pem: string): Promise<boolean>;
}

/** One PEM file for each key, mode 0600, in a directory of mode 0700. */
export function createKeyFiles(dir: string): KeyFiles {
  const pathOf = (name: string): string => join(dir, `${name}.pem`);
  return {
    isEmpty: () =>
      token(async () => {
        const entries = (await unlessAbsent(() => readdir(dir))) ?? [];
        return !entries.some((entry) => entry.endsWith('.pem'));
      }),
    makeDirectory: () => token(async () => void (await mkdir(dir, { recursive: true, mode: 0o700 }))),
    stamp: (name) => token(() => unlessAbsent(async () => stampOf(await stat(pathOf(name))))),
    read: (name) =>
      token(() =>
        unlessAbsent(async () => {
          const before = stampOf(await stat(pathOf(name)));
          return { pem: await readFile(pathOf(name), 'utf8'), stamp: before };
        }),
      ),
    create: (name, pem) =>
      token(async () => {
        // Step 1: the whole file under a name of its own, on the disk.
        // Crash here: an encrypted stray that nobody reads; the next `create` of that name removes it.
        const temporary = join(dir, `${temporaryPrefix(name)}${randomBytes(8).toString('hex')}`);
        await writeDurably(temporary, pem);
        // Step 2: its real name, unless taken. Crash here: the key is there, perhaps not yet on the disk; whoever
        // asked got no answer and asks again, and finds the key or makes another.
        const created = await linkUnlessTaken(temporary, pathOf(name));
        await removeStrays(dir, name);
        // Step 3: the directory entry on the disk. Also for a name that was taken a moment ago by another process,
        // whose own step 3 may not have run.
        await syncDirectory(dir);
        return created;
      }),
  };
}

function temporaryPrefix(name: string): string {
  return `.${name}.new-`;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    // ENOENT: another process that made the same key has cleared our stray away; its key is the one.
    if (hasCode(error, 'EEXIST') || hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function removeStrays(dir: string, name: string): Promise<void> {
  const strays = (await readdir(dir)).filter((entry) => entry.startsWith(temporaryPrefix(name)));
  await Promise.all(strays.map((entry) => unlessAbsent(() => unlink(join(dir, entry)))));
}

async function syncDirectory(dir: string): Promise<void> {
  const directory = await open(dir, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function stampOf(found: { ino: number; size: number; mtimeMs: number }): FileStamp {
  return { inode: found.ino, size: found.size, modifiedMs: found.mtimeMs };
}

async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function token<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new SluiceError('token-failed', `the key directory cannot be used: ${code}`, { cause });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
