import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Checkpoint } from '@sluice/lifecycle';
import { readOrderFile } from './order-file.js';

type Action = 'kill' | 'freeze';

/**
 * A checkpoint at which a process kills itself, as by kill -9, or freezes itself (SIGSTOP) until somebody thaws it: at
 * the nth passing of the label that the file names, counted from when it was armed. Whoever takes the file away is the
 * one, so that of several processes with the same file one is struck, once.
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
    if (order.action === 'freeze') {
      writeFileSync(`${options.file}.frozen`, String(process.pid));
      process.kill(process.pid, 'SIGSTOP');
      // Another thread may get the signal first: nothing more is done here until it has reached all.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      return;
    }
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way; nothing of this process may happen after this line.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
}

/** Arms every process with this file; the first to pass `label` the `nth` time dies. */
export function armKill(file: string, label: string, nth = 1): void {
  arm(file, label, nth, 'kill');
}

/** As `armKill`, but the process only freezes; `frozenBy` says which. */
export function armFreeze(file: string, label: string, nth = 1): void {
  rmSync(`${file}.frozen`, { force: true });
  arm(file, label, nth, 'freeze');
}

/** The process id that froze itself since `armFreeze`. */
export function frozenBy(file: string): number | undefined {
  try {
    return Number(readFileSync(`${file}.frozen`, 'utf8')) || undefined;
  } catch {
    return undefined; // nobody yet
  }
}

/** Takes the order back. False: somebody was struck by it. */
export function disarm(file: string): boolean {
  return take(file);
}

function arm(file: string, label: string, nth: number, action: Action): void {
  // Whole at once: a checkpoint must not read half an order.
  writeFileSync(`${file}.new`, `${label} ${nth} ${action} ${Date.now()}`);
  renameSync(`${file}.new`, file);
}

function take(file: string): boolean {
  try {
    rmSync(file);
    return true;
  } catch {
    return false; // another process was first
  }
}

function readOrder(file: string): { text: string; label: string; nth: number; action: Action } | undefined {
  const text = readOrderFile(file);
  if (text === undefined) return undefined; // not armed
  const [label = '', nth = '1', action] = text.split(' ');
  return { text, label, nth: Number(nth), action: action === 'freeze' ? 'freeze' : 'kill' };
}
