import { setImmediate as whatHasCome } from 'node:timers/promises';
import { createSignal } from './signal.js';

/** Far more than is ever on its way; beyond it, whoever sends has to wait. */
const lengthMax = 64 * 1024 * 1024;

/**
 * All lines that have come by the time they are asked for, in order; waits for one when there is none. Goes on reading
 * while what it gave is worked on, so that whoever is slow finds everything that came meanwhile at once. Ends, or throws,
 * as `lines` does, after the last of them.
 */
export async function* arrivedTogether(lines: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let arrived: string[] = [];
  let length = 0;
  let ended = false;
  let changed = createSignal();
  let taken = createSignal();

  async function read(): Promise<void> {
    try {
      for await (const line of lines) {
        arrived.push(line);
        length += line.length;
        changed.end();
        if (length > lengthMax) await taken.promise;
      }
    } finally {
      ended = true;
      changed.end();
    }
  }

  const reading = read();
  // Whoever asks is told, behind what came before it.
  reading.catch(() => undefined);
  for (;;) {
    if (arrived.length === 0 && !ended) await changed.promise;
    await whatHasCome();
    if (arrived.length === 0) {
      if (ended) return await reading;
      continue;
    }
    const together = arrived;
    [arrived, length, changed] = [[], 0, createSignal()];
    if (ended) changed.end();
    taken.end();
    taken = createSignal();
    yield together;
  }
}
