import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';

// The times of the real front end, at full length; what they do is shown with short ones in services/identity-api.

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

/** Sends octets, then one more each second; the answer, and after how many seconds it came. */
async function dripped(octets: string): Promise<{ answer: string; afterS: number }> {
  const { hostname, port } = new URL(system.frontEnds[0]?.url ?? '');
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const startedAtMs = performance.now();
  socket.write(octets);
  const drip = setInterval(() => socket.write('a'), 1000);
  const answer = await text(socket);
  clearInterval(drip);
  return { answer, afterS: (performance.now() - startedAtMs) / 1000 };
}

const head = 'POST /identity HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

it.concurrent.each<[string, () => string, number, RegExp]>([
  ['headers that drip', () => `${head}X-A: `, 10, /^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/],
  [
    'a body that drips',
    () => `${head}Authorization: Bearer ${system.apiKey}\r\nContent-Length: 60000\r\n\r\n`,
    30,
    /^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/,
  ],
  // Answered at once, and its connection is not kept for longer than the rest may take.
  ['a body that drips, without an API key', () => `${head}Content-Length: 60000\r\n\r\n`, 30, /^HTTP\/1\.1 401 /],
])('%s', async (_name, octets, endS, said) => {
  const { answer, afterS } = await dripped(octets());
  expect(answer).toMatch(said);
  expect(afterS).toBeGreaterThanOrEqual(endS - 1);
  expect(afterS).toBeLessThan(endS + 5);
});
