import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { createRedraw } from './screens/redraw.js';
import type { Terminal } from './terminal.js';

/** The terminal of this process. */
export function createProcessTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  let wake: (() => void) | undefined;
  let interrupted = false;
  let watching = false;
  const redraw = createRedraw(() => stderr.columns);

  /** Only while something is paused for: otherwise Ctrl-C ends the process, as everybody expects. */
  function watchInterrupt(): void {
    if (watching) return;
    watching = true;
    process.once('SIGINT', () => {
      interrupted = true;
      wake?.();
    });
  }

  return {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    interactive: stdin.isTTY === true && stdout.isTTY === true,
    async ask(question) {
      const lines = createInterface({ input: stdin, output: stderr });
      try {
        return await lines.question(question);
      } finally {
        lines.close();
      }
    },
    readInput: () => text(stdin),
    clear: () => {
      if (stdout.isTTY) stdout.write('\u001b[H\u001b[2J');
    },
    redraw: (picture) => void stderr.write(redraw(picture)),
    pause(waitMs) {
      watchInterrupt();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, interrupted ? 0 : waitMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    interrupted: () => interrupted,
    now: () => new Date(),
  };
}
