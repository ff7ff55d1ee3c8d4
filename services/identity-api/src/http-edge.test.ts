import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiKey, body, type StartedFront, startFront } from './testing/start-front.js';

let front: StartedFront;
beforeAll(async () => {
  front = await startFront({ timeouts: { headersMs: 100, requestMs: 200, checkMs: 20 } });
});
afterAll(async () => {
  await front.server.stop(100);
  expect(front.ledger.violations).toEqual([]);
});

const sent = JSON.stringify(body);
const head = [
  'POST /identity HTTP/1.1',
  'Host: x',
  `Authorization: Bearer ${apiKey}`,
  'Content-Type: application/json',
];
const withBody = [...head, `Content-Length: ${sent.length}`, '', sent].join('\r\n');
const lines = (...more: string[]) => [...head, ...more, '', ''].join('\r\n');

/** Sends octets, keeps the connection open, and returns everything that is said until the other side closes. */
async function said(octets: string) {
  const { hostname, port } = new URL(front.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(octets);
  const answers = (await text(socket)).split(/(?=HTTP\/1\.1 )/).filter((part) => part !== '');
  return answers.map((answer) => {
    const [headers = '', json = ''] = answer.split('\r\n\r\n');
    expect(headers).toMatch(/^connection: close$/im);
    const problem = JSON.parse(json) as Record<string, unknown>;
    expect(headers).toContain(`x-request-id: ${problem.request_id}`);
    expect(headers).toMatch(/^content-type: application\/problem\+json$/im);
    return { status: Number(headers.split(' ')[1]), code: problem.code, pieces: headers.split('\r\n').length };
  });
}

describe('what is no request that can be read', () => {
  it.each([
    ['not HTTP', 'hello\r\n\r\n', 400, 'http-invalid'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n', 400, 'http-invalid'],
    ['a header without a colon', lines('no colon'), 400, 'http-invalid'],
    ['U+0000 in a header', lines('X-A: a\u0000b'), 400, 'http-invalid'],
    ['two lengths', lines('Content-Length: 1', 'Content-Length: 2'), 400, 'http-invalid'],
    ['a length and chunks', lines('Content-Length: 1', 'Transfer-Encoding: chunked'), 400, 'http-invalid'],
    ['a length that is none', lines('Content-Length: -1'), 400, 'http-invalid'],
    ['a chunk that is none', lines('Transfer-Encoding: chunked').concat('zz\r\n'), 400, 'http-invalid'],
    ['no Host', withBody.replace('Host: x\r\n', ''), 400, 'http-invalid'],
    ['headers of 20 kB', lines(`X-A: ${'a'.repeat(20_000)}`), 431, 'headers-too-large'],
    ['a path of 20 kB', withBody.replace('/identity', `/identity/${'a'.repeat(20_000)}`), 431, 'headers-too-large'],
    ['150 headers', lines(...Array<string>(150).fill('X-A: a')), 431, 'headers-too-large'],
    ['2,500 headers', lines(...Array<string>(2500).fill('a:')), 431, 'headers-too-large'],
    ['no end of the headers', [...head, 'X-A: '].join('\r\n'), 408, 'request-timeout'],
    ['nothing at all', '', 408, 'request-timeout'],
    ['no end of the body', withBody.slice(0, -10), 408, 'request-timeout'],
    ['no end of the chunks', lines('Transfer-Encoding: chunked').concat('5\r\n{"pro\r\n'), 408, 'request-timeout'],
  ])('%s', async (_name, octets, status, code) => {
    const calls = { ...front.ledger.calls };
    expect(await said(octets)).toMatchObject([{ status, code }]);
    expect(front.ledger.calls).toEqual(calls);
  });

  it('a body that drips does not hold its connection for longer', async () => {
    const { hostname, port } = new URL(front.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(withBody.slice(0, 300));
    const drip = setInterval(() => socket.write(' '), 10);
    const startedAt = performance.now();
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(drip);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('is counted', async () => {
    await said('hello\r\n\r\n');
    expect(await front.metrics()).toMatch(/sluice_requests_total\{route="none",status="400",code="http-invalid",/);
  });
});

it('nonsense behind a request that waits is not answered in its place', async () => {
  const { hostname, port } = new URL(front.url);
  const socket = connect(Number(port), hostname);
  socket.write(withBody);
  await expect.poll(() => front.waiters.count).toBe(1);
  socket.write('hello\r\n\r\n');
  expect(await text(socket)).toBe('');
  await expect.poll(() => front.waiters.count).toBe(0);
});

it('an expectation nobody knows is passed over', async () => {
  const { hostname, port } = new URL(front.url);
  const socket = connect(Number(port), hostname);
  socket.end(['GET /identity/7 HTTP/1.1', 'Host: x', 'Expect: wonders', 'Connection: close', '', ''].join('\r\n'));
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 401 /);
});

it.each([
  ['an order', withBody],
  ['a route that there is not', 'GET /else HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['no request', 'hello\r\n\r\n'],
])('the answer to %s carries the security headers', async (_name, octets) => {
  const { hostname, port } = new URL(front.url);
  const socket = connect(Number(port), hostname);
  socket.write(octets.replace(apiKey, 'unknown').replace('Host: x', 'Host: x\r\nConnection: close'));
  const answer = await text(socket);
  expect(answer).toMatch(/^content-security-policy: default-src 'none';frame-ancestors 'none'$/im);
  expect(answer).toMatch(/^x-content-type-options: nosniff$/im);
  expect(answer).toMatch(/^strict-transport-security: max-age=/im);
});
