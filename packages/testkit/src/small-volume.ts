import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A file system of its own in memory, small enough to be filled to its last block. */
export interface SmallVolume {
  readonly dir: string;
  /** Leaves no block free. */
  fill(): void;
  /** Takes back what `fill` took. */
  free(): void;
  /** Unmounts it, and everything in it is gone. Nothing may work in it any more. */
  remove(): void;
}

const blockBytes = 4096;
const chunkBytes = 256 * blockBytes;

/** Mounts one at `dir`, made when missing. Throws, with what mount said, where that is not allowed. */
export function mountSmallVolume(dir: string, sizeMb: number): SmallVolume {
  mkdirSync(dir, { recursive: true });
  run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=0755`, 'tmpfs', dir]);
  const ballast = join(dir, 'ballast');
  return {
    dir,
    fill() {
      const file = openSync(ballast, 'a');
      try {
        for (const bytes of [chunkBytes, blockBytes]) writeUntilFull(file, Buffer.alloc(bytes));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    remove: () => run('umount', [dir]),
  };
}

/** Why this machine lets us mount nothing; `undefined` when it does. */
export function whyNoSmallVolume(dir: string): string | undefined {
  try {
    mountSmallVolume(dir, 1).remove();
    return undefined;
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault);
  }
}

function writeUntilFull(file: number, bytes: Buffer): void {
  try {
    while (writeSync(file, bytes) > 0);
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'ENOSPC')) throw fault;
  }
}

function run(command: string, args: readonly string[]): void {
  const done = spawnSync(command, [...args], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command}: ${(done.stderr || done.error?.message || '').trim()}`);
}
