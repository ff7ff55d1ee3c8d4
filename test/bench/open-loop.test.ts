import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runOpenLoop } from './open-loop.js';
import type { Target } from './target.js';

let server: Server;
let target: Target;
let answered: number;
/** Called before each answer, with how many there were. */
let before: (count: number) => number;
beforeEach(async () => {
  answered = 0;
  before = () => 201;
  server = createServer((_, response) => {
    answered += 1;
    response.writeHead(before(answered)).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const next = () => ({ path: '/', headers: {}, body: '' });
  target = { origin: `http://127.0.0.1:${port}`, next, accepts: (status) => status === 201 };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const stallMs = 600;

it('charges a stall to everybody who was due meanwhile', async () => {
  // The generator itself stands still, too: whoever measures from the sending sees nothing of it.
  before = (count) => {
    if (count === 20) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
    return 201;
  };
  const { latency, generatorLate, sent } = await runOpenLoop(target, 100, 2);
  expect(sent).toBe(200);
  expect(latency.count).toBe(200);
  // Of 200 requests 60 were due while it stood, and were sent late; an answer cannot be sooner than that.
  const slowFifth = ({ curve }: typeof latency): number => curve.find(({ percentile }) => percentile > 80)?.ms ?? 0;
  expect(slowFifth(generatorLate)).toBeGreaterThan(stallMs / 10);
  expect(slowFifth(latency)).toBeGreaterThan(slowFifth(generatorLate) * 0.99);
});

it('counts what is not accepted, and does not mix it into the latencies', async () => {
  before = (count) => (count % 2 === 0 ? 503 : 201);
  const { latency, failures, acceptedPerSecond } = await runOpenLoop(target, 100, 1);
  expect(failures).toEqual({ 503: 50 });
  expect(latency.count).toBe(50);
  expect(acceptedPerSecond).toBe(50);
});
