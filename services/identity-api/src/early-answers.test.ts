import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { beforeEach, expect } from 'vitest';
import { it } from './testing/front-test.js';
import { apiKey, body } from './testing/start-front.js';

// Answers that are given before the whole request is there, to clients that go on sending.

let answers: string;
beforeEach(() => {
  answers = '';
});

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.on('data', (octets) => {
    answers += octets;
  });
  return socket;
}

const order = JSON.stringify(body);
const head = (length: number, key = apiKey) =>
  `POST /identity HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

it('who sends too much hears so before the end, and may go on to there', async ({ front }) => {
  const socket = await open(front.url);
  socket.write(head(1_000_000));
  await once(socket, 'data');
  socket.write(Buffer.alloc(500_000));
  await front.pass(0, 0);
  socket.end(Buffer.alloc(500_000));
  await once(socket, 'close');
  expect(answers).toMatch(/^HTTP\/1\.1 413 /);
  expect(answers).toContain('"body-too-large"');
});

it('who never comes to the end is cut off', async ({ front }) => {
  const socket = await open(front.url);
  const beganMs = performance.now();
  socket.write(head(1_000_000));
  await once(socket, 'close');
  expect(answers).toMatch(/^HTTP\/1\.1 413 /);
  // Long before Node does it.
  expect(performance.now() - beganMs).toBeLessThan(20_000);
});

it('an order behind the last answer of a connection is not looked at', async ({ front, ledger }) => {
  ledger.afterAccept = (id) => ledger.issue(id);
  const socket = await open(front.url);
  socket.write(head(70_000));
  await once(socket, 'data');
  socket.write(`${' '.repeat(70_000)}${head(order.length)}${order}`);
  await once(socket, 'close');
  expect(answers.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(ledger.stored.size).toBe(0);
});
