import { readFile } from 'node:fs/promises';
import { SluiceError } from '@sluice/errors';
import type { Terminal } from '../terminal.js';

/** A file named on the command line; `-` is standard input. Throws `config-invalid` when it cannot be read. */
export async function readNamedFile(path: string, terminal: Terminal): Promise<string> {
  if (path === '-') return await terminal.readInput();
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SluiceError('config-invalid', `${path} cannot be read`, {
      cause,
      facts: { what_to_do: 'Check the path, or give - and send the document to standard input.' },
    });
  }
}
