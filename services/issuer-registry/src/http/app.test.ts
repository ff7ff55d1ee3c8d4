import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SluiceError } from '@sluice/errors';
import { signToken, statusSchema } from '@sluice/registry-protocol';
import type { Express } from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { queueIn } from '../testing/queue-in.js';
import { createApp } from './app.js';
import { createAuthenticate } from './authenticate.js';
import { createKeyDirectory } from './key-directory.js';
import { refuseUnknown } from './problems.js';

const alice = generateKeyPairSync('ed25519');
const signer = generateKeyPairSync('ed25519');
const spki = (key: KeyObject): Uint8Array => key.export({ type: 'spki', format: 'der' });

let now: Date;
let store: MemoryRegistryStore;
let app: Express;
let server: Server;
let logged: object[];
let observed: string[];

beforeEach(async () => {
  now = new Date();
  logged = [];
  observed = [];
  store = createMemoryRegistryStore(now);
  store.operatorKeys = [
    { name: 'alice', publicKey: spki(alice.publicKey), role: 'operator' },
    { name: 'broken', publicKey: Uint8Array.of(1, 2, 3), role: 'operator' },
  ];
  store.keysOfServices = [{ name: 'signer-1', service: 'signer', publicKey: spki(signer.publicKey) }];
  const clock = (): Date => now;
  const monotonicMs = () => now.getTime();
  const note = (facts: object): void => void logged.push(facts);
  const log = { info: note, warn: note, error: note };
  const authenticate = (load: () => Promise<readonly { name: string; publicKey: Uint8Array }[]>) =>
    createAuthenticate(createKeyDirectory({ load, monotonicMs, cacheMs: 3000, log }), clock);
  app = createApp({
    context: {
      name: 'registry-1',
      store,
      queue: queueIn(store),
      clock,
      ledgerClock: clock,
      randomBytes: (length) => new Uint8Array(length),
    },
    authenticateOperator: authenticate(() => store.operators()),
    stream: refuseUnknown,
    acknowledgement: refuseUnknown,
    monotonicMs,
    log,
    observe: ({ route, code }) => void observed.push(`${route} ${code}`),
  });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

interface Call {
  method?: string;
  path: string;
  body?: string | undefined;
  headers?: Record<string, string>;
  as?: { name: string; privateKey: KeyObject };
  jti?: string;
}
async function call({ method = 'GET', path, body, headers = {}, as, jti = randomUUID() }: Call): Promise<Response> {
  const { name, privateKey } = as ?? { name: 'alice', privateKey: alice.privateKey };
  const token = await signToken({ privateKey, name, method, path, body: Buffer.from(body ?? ''), now, jti });
  const { port } = server.address() as AddressInfo;
  return await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    body: body ?? null,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
  });
}
const account = (name: string): Call => ({
  method: 'POST',
  path: '/admin/v1/accounts',
  body: JSON.stringify({ name, profiles: [] }),
});

it('a viewer looks and changes nothing, and is told whom to ask; a role that is taken away is gone at once', async () => {
  expect((await call(account('first'))).status).toBe(201);
  store.operatorKeys = store.operatorKeys.map((row) => ({ ...row, role: 'viewer' }));
  expect((await call({ path: '/admin/v1/status' })).status).toBe(200);
  const refused = await call(account('second'));
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ code: 'forbidden', detail: expect.stringMatching(/alice is a viewer/) });
  expect((await store.state()).accounts.map(({ name }) => name)).toEqual(['first']);
  const posts = (await described()).filter(([method]) => method === 'post');
  expect(posts.length).toBeGreaterThan(20);
  for (const [, path] of posts) {
    const { status } = await call({ method: 'POST', path: path.replaceAll(/\{\w+\}/g, 'x'), body: '{}' });
    expect([path, status]).toEqual([path, 403]);
  }
});

/** Method and path of every operation of the description. */
async function described(): Promise<(readonly [string, string])[]> {
  const document = (await (await call({ path: '/admin/v1/openapi.json' })).json()) as { paths: object };
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item as object).map((method) => [method, path] as const),
  );
}

it('every route of the admin API is described, and nothing else', async () => {
  const served = app.router.stack.flatMap(({ route }) =>
    (route?.stack ?? []).map(({ method }) => `${method} ${route?.path.replaceAll(/:(\w+)/g, '{$1}')}`),
  );
  const inApi = new Set(served.filter((line) => line.includes(' /admin/')));
  expect(inApi).toEqual(new Set((await described()).map(([method, path]) => `${method} ${path}`)));
});

describe('the admin API', () => {
  it('answers an operator, with a request id and helmet’s headers', async () => {
    const answer = await call({ path: '/admin/v1/status', headers: { 'x-request-id': 'my-own-request' } });
    expect(answer.status).toBe(200);
    expect(statusSchema.parse(await answer.json())).toMatchObject({ registry: 'registry-1', epoch: '1' });
    expect(answer.headers.get('x-request-id')).toBe('my-own-request');
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('makes a change in the operator’s name: 201, and 200 for a dry run', async () => {
    expect((await call(account('acme'))).status).toBe(201);
    const trial = JSON.stringify({ name: 'other', profiles: [], dry_run: true });
    expect((await call({ ...account('x'), body: trial })).status).toBe(200);
    expect(store.changes).toEqual([{ operator: 'alice', kind: 'account-create', subject: 'acme' }]);
    expect(logged).toContainEqual(expect.objectContaining({ event: 'admin-call', operator: 'alice' }));
    expect(JSON.stringify(logged)).not.toContain('slk_');
  });

  it.each<[string, Call, number, string]>([
    [
      'a stranger',
      { path: '/admin/v1/status', as: { name: 'mallory', privateKey: alice.privateKey } },
      401,
      'unauthorized',
    ],
    [
      'a service',
      { path: '/admin/v1/status', as: { name: 'signer-1', privateKey: signer.privateKey } },
      401,
      'unauthorized',
    ],
    [
      'an operator with an unreadable key',
      { path: '/admin/v1/cas', as: { name: 'broken', privateKey: alice.privateKey } },
      401,
      'unauthorized',
    ],
    ['an unknown address', { path: '/admin/v2/status' }, 404, 'not-found'],
    ['an unknown CA', { path: '/admin/v1/cas/nobody' }, 404, 'not-found'],
    ['a name that nothing can have', { path: '/admin/v1/cas/..%2Fetc' }, 404, 'not-found'],
    ['an address that cannot be decoded', { path: '/admin/v1/cas/%E0%A4%A' }, 400, 'body-invalid'],
    ['a request id that is none', { path: '/admin/v1/requests/12' }, 400, 'id-invalid'],
    ['an unknown request', { path: '/admin/v1/requests/01993c00-0000-7000-8000-000000000000' }, 404, 'not-found'],
    ['no body', { ...account('a'), body: '' }, 400, 'body-invalid'],
    ['malformed JSON', { ...account('a'), body: '{"name":' }, 400, 'body-invalid'],
    [
      'a member that stands there twice',
      { ...account('a'), body: '{"name":"a","profiles":[],"name":"b"}' },
      400,
      'body-invalid',
    ],
    ['unknown members', { ...account('a'), body: '{"name":"a","profiles":[],"admin":true}' }, 400, 'body-invalid'],
    ['another media type', { ...account('a'), headers: { 'content-type': 'text/plain' } }, 415, 'media-type'],
    ['a compressed body', { ...account('a'), headers: { 'content-encoding': 'gzip' } }, 415, 'media-type'],
    ['a body that is too large', { ...account('a'), body: `{"name":"${'a'.repeat(70_000)}"}` }, 413, 'body-too-large'],
  ])('refuses %s', async (_, given, status, code) => {
    const answer = await call(given);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
    expect(problem.request_id).toBe(answer.headers.get('x-request-id'));
    expect(JSON.stringify(problem)).not.toMatch(/ at .*\.js|node_modules/);
    expect(store.changes).toEqual([]);
  });

  it('names every finding of a body', async () => {
    const answer = await call({ ...account('a'), body: '{"name":"-","profiles":["ok",7],"admin":true}' });
    const { findings } = (await answer.json()) as { findings: { pointer: string }[] };
    expect(findings.map(({ pointer }) => pointer).sort()).toEqual(['/admin', '/name', '/profiles/1']);
  });

  it('makes a change once per token, and reads as often as one likes', async () => {
    const jti = 'one-and-the-same-token';
    expect((await call({ ...account('acme'), jti })).status).toBe(201);
    expect((await call({ ...account('acme'), jti })).status).toBe(401);
    for (let time = 0; time < 2; time += 1) {
      expect((await call({ path: '/admin/v1/accounts', jti: 'another-token' })).status).toBe(200);
    }
  });

  it('says 503 with Retry-After while the ledger is away, and forgets a failed reading of keys', async () => {
    store.away = new SluiceError('unavailable', 'The ledger is away');
    const answer = await call({ path: '/admin/v1/status' });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    store.away = undefined;
    expect((await call({ path: '/admin/v1/status' })).status).toBe(200);
    expect(observed).toEqual(['GET /admin/v1/status unavailable', 'GET /admin/v1/status ok']);
  });

  it('hides what a fault of ours says', async () => {
    store.newestEnds = async () => {
      throw new TypeError('secret detail');
    };
    const answer = await call({ path: '/admin/v1/status' });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
  });

  it('accepts a key that was taken away for 3 s at most', async () => {
    expect((await call({ path: '/admin/v1/cas' })).status).toBe(200);
    store.operatorKeys = [];
    now = new Date(now.getTime() + 2999);
    expect((await call({ path: '/admin/v1/cas' })).status).toBe(200);
    now = new Date(now.getTime() + 1);
    expect((await call({ path: '/admin/v1/cas' })).status).toBe(401);
  });
});
