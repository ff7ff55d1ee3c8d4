import { readFile } from 'node:fs/promises';
import { SluiceError } from '@sluice/errors';
import type { Terminal } from '../terminal.js';

/** A file named on the command line; `-` is standard input. Throws `config-invalid` when it cannot be read. */
export async function readNamedFile(path: string, terminal: Terminal): Promise<string> {
  return Buffer.from(await readNamedBytes(path, terminal)).toString('utf8');
}

/** The same for what need not be text; standard input is text nevertheless. */
export async function readNamedBytes(path: string, terminal: Terminal): Promise<Uint8Array> {
  if (path === '-') return Buffer.from(await terminal.readInput());
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SluiceError('config-invalid', `${path} cannot be read`, {
      cause,
      facts: { what_to_do: 'Check the path, or give - and send the document to standard input.' },
    });
  }
}
