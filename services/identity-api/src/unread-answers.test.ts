import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createHttpServer, type HttpServer, type HttpTimeouts } from './http-server.js';

// Clients that ask and do not read: what they are sent must not pile up here.

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
let server: HttpServer;
let answered: number;
afterEach(() => server.stop(100));

async function open(answer: (response: ServerResponse) => void, timeouts?: Partial<HttpTimeouts>): Promise<Socket> {
  answered = 0;
  server = createHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    statusRoutes: () => false,
    app(_request, response) {
      answered += 1;
      answer(response);
    },
    refuseUnreadable: (_error, socket) => socket.destroy(),
    log: quiet,
    timeouts,
  });
  await server.start();
  const { host, port } = server.address();
  const socket = connect(port, host).pause();
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

it('an answer that nobody reads is not kept for long', async () => {
  // More than the buffers of the system take.
  const socket = await open((response) => response.end(Buffer.alloc(50_000_000)), { stalledMs: 300, checkMs: 20 });
  socket.write(request);
  await expect.poll(() => answered).toBe(1);
  await expect.poll(() => server.connections(), { timeout: 20_000 }).toBe(0);
});

it('who asks more and more on one connection before anything is answered is cut off', async () => {
  const socket = await open(() => undefined);
  socket.write(request.repeat(1000));
  await expect.poll(() => server.connections(), { timeout: 20_000 }).toBe(0);
  expect(answered).toBeLessThan(20);
});

it('one after the other, any number', async () => {
  const socket = await open((response) => response.end('x'));
  socket.resume();
  for (let asked = 1; asked <= 100; asked += 1) {
    socket.write(request);
    await expect.poll(() => answered, { interval: 1 }).toBe(asked);
  }
  expect(await server.connections()).toBe(1);
  socket.destroy();
});
