import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { SluiceError } from '@sluice/errors';

/**
 * Below the range systems take outgoing ports from (32768 and up on Linux, 49152 elsewhere): a server that is killed
 * and started again must find its port free, not lent to somebody's outgoing connection.
 */
const lowest = 15_000;
const highest = 32_000;

/** A port on 127.0.0.1 that nobody listens on now: `preferred` when it is free. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let tries = 0; tries < 50; tries++) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
  throw new SluiceError('unavailable', `no free port on 127.0.0.1 between ${lowest} and ${highest}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)));
  });
}
