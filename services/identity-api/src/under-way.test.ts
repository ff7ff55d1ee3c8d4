import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { apiKey, body, type StartedFront, startFront } from './testing/start-front.js';

// What a change of the registry means for an order that is on its way when it comes.

let front: StartedFront;
beforeEach(async () => {
  front = await startFront();
});
afterEach(async () => {
  await front.server.stop(100);
  expect(front.ledger.violations).toEqual([]);
});

it('an accept is under way from the directory to the commit: until then no newer epoch is acknowledged', async () => {
  let commit = (): void => undefined;
  front.ledger.beforeAccept = () => new Promise((resolve) => (commit = resolve));
  const answer = front.post(body, { prefer: 'respond-async' });
  await expect.poll(() => front.ledger.calls.accept).toBe(1);
  let ended = false;
  const earlier = front.acceptsUnderWay.ended().then(() => {
    ended = true;
  });
  // Many turns of the event loop: whatever could end by itself has.
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(false);
  commit();
  await earlier;
  expect(front.ledger.stored.size).toBe(1);
  expect((await answer).status).toBe(202);
});

it('a key that is revoked while the body is still being sent is refused, and nothing is stored', async () => {
  const { hostname, port } = new URL(front.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const sent = JSON.stringify(body);
  const head = [
    'POST /identity HTTP/1.1',
    ...['Host: x', `Authorization: Bearer ${apiKey}`, 'Content-Type: application/json', 'Connection: close'],
    `Content-Length: ${sent.length}`,
    ...['Expect: 100-continue', '', ''],
  ].join('\r\n');
  socket.write(head);
  // The head is read, and was good: the body is asked for.
  const [asked] = (await once(socket, 'data')) as [Buffer];
  expect(String(asked)).toMatch(/^HTTP\/1\.1 100 /);
  socket.write(sent.slice(0, 10));
  const accounts = front.snapshot.accounts.map((account) =>
    account.name === 'demo' ? { ...account, apiKeyHashes: [] } : account,
  );
  front.snapshot = { ...front.snapshot, accounts };
  socket.write(sent.slice(10));
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 401 [\s\S]*"code":"unauthorized"/);
  expect(front.ledger.calls.accept).toBe(0);
});
