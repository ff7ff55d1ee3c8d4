import { readOrderFile } from './order-file.js';

/** How long the offset that was read last is taken for the present one. */
const readEveryMs = 50;

/**
 * Sets the wall clock of this process off by the milliseconds that `file` holds at the time (0 without it), for
 * everything in the process: `Date` is replaced. What measures with `performance.now()` goes on as before, as on a
 * machine whose clock is wrong.
 */
export function shiftClock(file: string): void {
  const Right = Date;
  let offsetMs = 0;
  let readAtMs = Number.NEGATIVE_INFINITY;
  const nowMs = (): number => {
    if (performance.now() - readAtMs > readEveryMs) {
      readAtMs = performance.now();
      offsetMs = readOffset(file);
    }
    return Right.now() + offsetMs;
  };
  globalThis.Date = new Proxy(Right, {
    construct: (target, values, maker) => Reflect.construct(target, values.length === 0 ? [nowMs()] : values, maker),
    apply: () => new Right(nowMs()).toString(),
    get: (target, name, receiver) => (name === 'now' ? nowMs : Reflect.get(target, name, receiver)),
  });
}

function readOffset(file: string): number {
  return Number(readOrderFile(file)) || 0; // nobody has set it
}
