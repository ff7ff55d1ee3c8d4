import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file only its owner can read (0600), whole or not at all: a crash leaves the old one or none, and perhaps
 * a `.new` beside it that the next write replaces.
 */
export function writeSecretFile(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, content, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** The secret kept at `path`; made and kept there the first time. */
export function keptSecret(path: string, make: () => string = newPassword): string {
  const kept = readIfThere(path);
  if (kept !== undefined) return kept.trim();
  const made = make();
  writeSecretFile(path, `${made}\n`);
  return made;
}

/** 192 random bits, in letters that need no quoting in a URL, a shell or a Redis configuration. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** The file's text, or undefined when there is none. Other faults are thrown as they are. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return undefined;
    throw fault;
  }
}
