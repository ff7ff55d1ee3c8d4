import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Checkpoint } from '@sluice/lifecycle';

/**
 * A checkpoint at which a process kills itself, as by kill -9: at the nth passing of the label that the file names
 * ("LABEL NTH"), counted from when it was armed. Whoever takes the file away dies, so that of several processes with
 * the same file one dies, once, and the restarted one lives.
 */
export function killAt(options: { readonly file: string }): Checkpoint {
  let armed = '';
  let passed = 0;
  return (label) => {
    const order = readOrder(options.file);
    if (order === undefined) return;
    if (order.text !== armed) {
      armed = order.text;
      passed = 0;
    }
    if (label !== order.label) return;
    passed += 1;
    if (passed < order.nth || !take(options.file)) return;
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way; nothing of this process may happen after this line.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
}

/** Arms every process with this file; the first to pass `label` the `nth` time dies. */
export function armKill(file: string, label: string, nth = 1): void {
  // Whole at once: a checkpoint must not read half an order.
  writeFileSync(`${file}.new`, `${label} ${nth} ${Date.now()}`);
  renameSync(`${file}.new`, file);
}

/** Takes the order back. False: somebody died by it. */
export function disarmKill(file: string): boolean {
  return take(file);
}

function take(file: string): boolean {
  try {
    rmSync(file);
    return true;
  } catch {
    return false; // another process was first
  }
}

function readOrder(file: string): { text: string; label: string; nth: number } | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // not armed
  }
  const [label = '', nth = '1'] = text.split(' ');
  return { text, label, nth: Number(nth) };
}
