import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const sizeMaxBytes = 65_536;

/**
 * The path of a file in the environment, its trimmed content (UTF-8) in the configuration: a secret in the environment
 * itself would be seen by every child process and in crash reports.
 * Refuses what is not a plain file, is empty, is larger than 64 kB, or may be read or written by group or others.
 * Faults name the path, never the content.
 */
export function secretFile() {
  return z.string().transform((path, context): string => {
    try {
      return readSecret(path);
    } catch (thrown) {
      context.addIssue({
        code: 'custom',
        message: thrown instanceof Error ? thrown.message : `${path} cannot be read`,
      });
      return z.NEVER;
    }
  });
}

/** Looks at the opened file, so that what was checked is what is read. */
function readSecret(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { mode, size } = fstatSync(file);
    if ((mode & 0o170000) !== 0o100000) throw new Error(`${path} is not a plain file`);
    if ((mode & 0o077) !== 0) throw new Error(`${path} may be used by group or others: chmod 600`);
    if (size > sizeMaxBytes) throw new Error(`${path} is larger than ${sizeMaxBytes} bytes`);
    const content = readFileSync(file, 'utf8').trim();
    if (content === '') throw new Error(`${path} is empty`);
    return content;
  } finally {
    closeSync(file);
  }
}
