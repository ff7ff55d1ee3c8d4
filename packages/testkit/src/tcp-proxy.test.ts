import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTcpProxy, type TcpProxy } from './tcp-proxy.js';

let server: Server;
let proxy: TcpProxy;
const received: string[] = [];

/** A server that says back what it got. */
beforeEach(async () => {
  received.length = 0;
  server = createServer((socket) => {
    socket.on('error', () => undefined); // a reset is what some of these tests are about
    socket.on('data', (chunk) => {
      received.push(String(chunk));
      socket.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } });
});
afterEach(async () => {
  await proxy.close();
  server.close();
});

async function client() {
  const socket = connect(proxy.port, proxy.host);
  const answers: string[] = [];
  socket.on('data', (chunk) => answers.push(String(chunk)));
  const ended = new Promise<string>((resolve) => {
    socket.on('error', (error) => resolve(error.message));
    socket.on('close', () => resolve('closed'));
  });
  await once(socket, 'connect').catch(() => undefined); // `ended` tells
  return { socket, answers, ended };
}

it('lets everything through, late when told so', async () => {
  const { socket, answers } = await client();
  proxy.delay(30);
  const sent = performance.now();
  socket.write('a');
  await once(socket, 'data');
  expect(performance.now() - sent).toBeGreaterThan(55);
  expect(answers).toEqual(['a']);
  socket.destroy();
});

it('half open: the question arrives, the answer does not, and healing resets what lost something', async () => {
  const { socket, answers, ended } = await client();
  proxy.halfOpen();
  socket.write('commit');
  while (received.length === 0) await wait(5);
  await wait(20);
  expect(answers).toEqual([]);
  proxy.heal();
  expect(await ended).toMatch(/ECONNRESET|closed/);
});

it('black hole: nothing arrives, nothing fails', async () => {
  const { socket, ended } = await client();
  proxy.blackHole();
  socket.write('a');
  expect(await Promise.race([ended, wait(50, 'still open')])).toBe('still open');
  expect(received).toEqual([]);
  socket.destroy();
});

it('cut: connections are reset, and new ones too until it is healed', async () => {
  const first = await client();
  proxy.cut();
  expect(await first.ended).toMatch(/ECONNRESET|closed/);
  const second = await client();
  expect(await second.ended).toMatch(/ECONNRESET|closed/);
  proxy.heal();
  const third = await client();
  third.socket.write('a');
  await once(third.socket, 'data');
  third.socket.destroy();
});

it('alters what is answered, on each connection by itself, until it is healed', async () => {
  const doubledOnce = () => {
    let had = false;
    return (piece: Buffer) => {
      if (had) return [piece];
      had = true;
      return [piece, piece];
    };
  };
  const before = await client();
  proxy.alterAnswers(doubledOnce);
  const after = await client();
  for (const { socket, answers } of [before, after]) {
    socket.write('a');
    await expect.poll(() => answers.join('')).toBe('aa');
    socket.write('b');
    await expect.poll(() => answers.join('')).toBe('aab');
  }
  proxy.alterAnswers(() => () => []);
  proxy.heal();
  before.socket.write('c');
  await expect.poll(() => before.answers.join('')).toBe('aabc');
  expect(received.join('')).toBe('ababc');
  for (const { socket } of [before, after]) socket.destroy();
});
