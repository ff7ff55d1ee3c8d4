import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient } from './client.js';
import {
  continuing,
  createFakeService,
  type FakeAnswer,
  id,
  issued,
  open,
  problem,
  read,
} from './testing/fake-service.js';
import { createVirtualClock } from './testing/virtual-clock.js';

const apiKey = `slk_${'k'.repeat(43)}`;
const order = { profile: 'tls-client', subject_dn: { common_name: 'unit' }, csr: 'a CSR' };

function setUp(...answers: FakeAnswer[]) {
  const clock = createVirtualClock();
  const { calls, fetch } = createFakeService(clock, answers);
  const client = createClient({ baseUrl: 'https://sluice.example/below', apiKey, clock, fetch, random: () => 0 });
  return { clock, calls, client };
}

describe('settings', () => {
  it.each(['sluice.example', 'ftp://sluice.example', 'https://user@sluice.example', 'https://sluice.example/?a=b'])(
    'an address such as %s is refused',
    (baseUrl) => {
      expect(() => createClient({ baseUrl, apiKey })).toThrow('baseUrl');
    },
  );

  it('an API key that cannot be one is refused, and not repeated', () => {
    const bad = () => createClient({ baseUrl: 'https://sluice.example', apiKey: `${apiKey}\n` });
    expect(bad).toThrow('apiKey');
    expect(bad).not.toThrow(apiKey);
  });

  it.each([0, -1, 1249, Number.NaN])('an order within %s ms is refused', async (timeoutMs) => {
    await expect(setUp(issued).client.order(order, { timeoutMs })).rejects.toThrow(RangeError);
  });

  it.each(['', 'ä', 'a\nb', 'k'.repeat(256)])(
    'an idempotency key such as %j is refused before it is sent',
    async (key) => {
      const { client, calls } = setUp(issued);
      await expect(client.order(order, { idempotencyKey: key })).rejects.toMatchObject({ code: 'key-invalid' });
      expect(calls).toEqual([]);
    },
  );

  it.each(['../admin', '', id.toUpperCase()])('an id such as %j stands in no path', async (bad) => {
    const { client, calls } = setUp(read);
    for (const call of [client.read, client.follow, client.cancel]) {
      await expect(call(bad)).rejects.toMatchObject({ code: 'id-invalid' });
    }
    expect(calls).toEqual([]);
  });
});

describe('reading', () => {
  it.each([
    ['what is issued', read, { fate: 'issued', serial: '40512b73' }],
    ['what is parked', continuing(200, 'parked', 2), { fate: 'continuing', state: 'parked', lookAgainMs: 2000 }],
    ['what is open: nothing is promised', open('queued'), { fate: undefined, state: 'queued', lookAgainMs: 1000 }],
    ['what has failed', problem('failed', { fate: 'continuing', id }, 60), { fate: 'continuing', state: 'failed' }],
  ] satisfies [string, FakeAnswer, object][])('%s', async (_what, answer, standing) => {
    const { client, clock, calls } = setUp(answer);
    expect(await clock.run(client.read(id))).toMatchObject({ value: { id, ...standing } });
    expect(calls).toMatchObject([{ method: 'GET', path: `/below/identity/${id}` }]);
  });

  it.each([
    ['expired', problem('not-issued', { fate: 'not-issued', id }, 2), 1],
    ['cancelled', problem('cancelled', { fate: 'cancelled', id, state: 'cancelled' }), 1],
    ['not ours', problem('not-found'), 1],
    ['not to be seen', problem('unavailable', { fate: 'unknown' }, 1), 3],
  ] satisfies [string, FakeAnswer, number][])('what is %s is an error', async (_what, answer, attempts) => {
    const { client, clock, calls } = setUp(answer);
    expect(await clock.run(client.read(id))).toMatchObject({ reason: { name: 'CallError', id, attempts } });
    expect(calls).toHaveLength(attempts);
  });
});

describe('following', () => {
  it('looks at growing intervals, never sooner than it is told to', async () => {
    const { client, clock, calls } = setUp(
      open('queued'),
      open('signing'),
      continuing(200, 'parked', 20),
      open('queued'),
    );
    expect(await clock.run(client.follow(id, { timeoutMs: 60_000 }))).toMatchObject({ value: { state: 'queued' } });
    const gapsMs = calls.slice(1).map(({ atMs }, at) => Math.round(atMs - (calls[at]?.endedAtMs ?? 0)));
    expect(gapsMs.slice(0, 4)).toEqual([1500, 2250, 20_000, 5063]);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(60_000);
  });

  it('is an error when there was never anything to see', async () => {
    const { client, clock } = setUp('reset');
    expect(await clock.run(client.follow(id))).toMatchObject({ reason: { code: 'no-answer', fate: 'unknown', id } });
  });
});

describe('cancelling', () => {
  it('is asked again when the answer was lost', async () => {
    const { client, clock, calls } = setUp('reset', {
      status: 200,
      json: { id, state: 'cancelled', fate: 'cancelled' },
    });
    expect(await clock.run(client.cancel(id))).toMatchObject({ status: 'fulfilled' });
    expect(calls.map(({ method }) => method)).toEqual(['DELETE', 'DELETE']);
  });

  it('tells what cannot be cancelled', async () => {
    const { client, clock } = setUp(problem('not-cancellable', { id, state: 'issued' }));
    const facts = { code: 'not-cancellable', id, problem: { state: 'issued' } };
    expect(await clock.run(client.cancel(id))).toMatchObject({ reason: facts });
  });

  it('does not know when nothing answers', async () => {
    const { client, clock } = setUp('silence');
    expect(await clock.run(client.cancel(id))).toMatchObject({ reason: { code: 'no-answer', fate: 'unknown' } });
  });
});

it('an answer that does not end is cut off', async () => {
  let cancelled = 0;
  const endless: typeof fetch = async () =>
    new Response(
      new ReadableStream({
        pull: (body) => body.enqueue(new Uint8Array(65_536).fill(0x20)),
        cancel() {
          cancelled += 1;
        },
      }),
    );
  const client = createClient({ baseUrl: 'https://sluice.example', apiKey, fetch: endless, random: () => 0 });
  const error = await client.read(id).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'no-answer', cause: { message: expect.stringContaining('1048576') } });
  expect(cancelled).toBe(3);
});

describe('over real connections', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  async function serving(listener: RequestListener) {
    server = createServer(listener).listen(0, '127.0.0.1');
    await new Promise((resolve) => server?.once('listening', resolve));
    return createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, apiKey });
  }

  it('an answer that comes in drops is given up at the deadline, and its connection with it', async () => {
    let ended = (): void => undefined;
    const hungUp = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const client = await serving((request, response) => {
      request.socket.once('close', ended);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{');
    });
    await expect(client.read(id, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'no-answer', gaveUp: 'deadline' });
    await hungUp;
  });

  it('a redirect is not followed: the API key goes nowhere else', async () => {
    const asked: unknown[] = [];
    const client = await serving((request, response) => {
      asked.push(request.url);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    await expect(client.read(id)).rejects.toMatchObject({ code: 'not-a-problem', status: 307, gaveUp: 'permanent' });
    expect(asked).toEqual([`/identity/${id}`]);
  });

  it('no error shows the API key, however it is printed', async () => {
    const client = await serving((request) => request.socket.destroy());
    const error = await client.order(order, { timeoutMs: 1300 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'no-answer' });
    expect(inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error)).not.toContain(apiKey);
  });
});
