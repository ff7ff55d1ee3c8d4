import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { apiKey, body, type StartedFront, startFront } from './testing/start-front.js';

function order(commonName: string, headers: Record<string, string> = {}): string {
  const sent = JSON.stringify({ ...body, subject_dn: { common_name: commonName } });
  const all = { host: 'x', authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers };
  const lines = Object.entries({ ...all, 'content-length': sent.length }).map(([name, value]) => `${name}: ${value}`);
  return ['POST /identity HTTP/1.1', ...lines, '', sent].join('\r\n');
}

async function connected(front: StartedFront): Promise<Socket> {
  const { hostname, port } = new URL(front.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

/** Everything the server says until it closes: status and body of each answer. */
async function answersOf(socket: Socket) {
  const answers = (await text(socket)).split(/(?=HTTP\/1\.1 )/);
  return answers.map((answer) => {
    const [head = '', said = ''] = answer.split('\r\n\r\n');
    return { status: Number(head.split(' ')[1]), closes: /^connection: close$/im.test(head), said: JSON.parse(said) };
  });
}

it('answers what waits, then closes its connection and ends; listens no more', async () => {
  const front = await startFront();
  const socket = await connected(front);
  socket.write(order('waits'));
  await front.pass(0);
  const idle = await connected(front);

  const stopped = front.server.stop(5000);
  expect(await text(idle)).toBe('');
  await expect(fetch(`${front.url}/healthz`)).rejects.toThrow();
  for (const id of front.ledger.stored.keys()) front.ledger.issue(id);
  front.waiters.ring([...front.ledger.stored.keys()]);
  expect(await answersOf(socket)).toMatchObject([{ status: 201, closes: true }]);
  await stopped;
  expect(front.ledger.violations).toEqual([]);
});

it.each([
  [{}, 'not-issued'],
  // Under this key an earlier call may have stored something: nothing is said of its fate.
  [{ 'idempotency-key': 'k' }, undefined],
])('a new order on a connection that is kept alive, headers %j: 503 draining, fate %s', async (headers, fate) => {
  const front = await startFront();
  const socket = await connected(front);
  const sent = order('comes late', headers);
  // On its way when the drain begins: the connection is not idle.
  socket.write(sent.slice(0, 100));
  socket.write('');
  await expect.poll(() => connectionsOf(front)).toBe(1);
  const first = await connected(front);
  first.write(order('first'));
  await front.pass(0);
  const stopped = front.server.stop(5000);
  socket.write(sent.slice(100));
  const [answer] = await answersOf(socket);
  expect(answer).toMatchObject({ status: 503, closes: true, said: { code: 'draining' } });
  expect(answer?.said.fate).toBe(fate);
  expect(front.ledger.calls.accept).toBe(1);
  await front.clock.advance(6000);
  expect(await answersOf(first)).toMatchObject([{ status: 503, said: { fate: 'not-issued' } }]);
  await stopped;
});

it('cuts off what does not end by its deadline', async () => {
  const front = await startFront();
  const socket = await connected(front);
  socket.write(order('waits too long'));
  await front.pass(0);
  await front.server.stop(20);
  expect(await text(socket)).toBe('');
});

/** The server's own count of connections, as its listener saw them. */
function connectionsOf(front: StartedFront): Promise<number> {
  return front.server.connections();
}
