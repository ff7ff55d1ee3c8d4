import { randomUUID } from 'node:crypto';
import { Validator } from '@seriousme/openapi-schema-validator';
import { roleName } from '@sluice/ledger';
import {
  createDescriptionChecker,
  type DescriptionChecker,
  type Document,
  type Exchange,
  makeCsr,
  testProfiles,
} from '@sluice/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { system } from './one-system.js';

// The real front end, and the document that it serves itself: whatever it answers must stand in there.

let document: Document;
let checker: DescriptionChecker;
beforeAll(async () => {
  document = (await (await fetch(`${system.frontEnds[0]?.url}/openapi.json`)).json()) as Document;
  checker = createDescriptionChecker(document);
});

interface Sending {
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string;
  readonly key?: string;
}

/** Calls, and compares the answer with the document. */
async function call(method: string, path: string, { headers = {}, body, key = system.apiKey }: Sending = {}) {
  const answer = await fetch(`${system.frontEnds[0]?.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const exchange: Exchange = {
    method,
    path,
    status: answer.status,
    headers: answer.headers,
    body: await answer.text(),
  };
  expect(checker.faultsOf(exchange), `${method} ${path}: ${exchange.status} ${exchange.body}`).toEqual([]);
  const json = answer.headers.get('content-type')?.includes('json') ? JSON.parse(exchange.body) : {};
  return { exchange, status: answer.status, said: json as Record<string, unknown> };
}

const order = (commonName: string, profile: string = testProfiles.p256) => ({
  profile,
  subject_dn: { common_name: commonName },
  csr: makeCsr('ec-p256', commonName).pem,
});
const post = (body: object | string, headers: Record<string, string> = {}, key?: string) =>
  call('POST', '/identity', { body, headers, ...(key === undefined ? {} : { key }) });

it('the document is OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(
    structuredClone(document) as unknown as Record<string, unknown>,
  );
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

it('its examples are as it says', () => {
  let examples = 0;
  const { faultsOf } = createDescriptionChecker(document);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      for (const [status, response] of Object.entries(operation.responses)) {
        const { content } = response as { content: Record<string, { examples?: Record<string, { value: unknown }> }> };
        for (const [mediaType, body] of Object.entries(content)) {
          for (const { value } of Object.values(body.examples ?? {})) {
            const headers = new Headers({ 'content-type': mediaType });
            const exchange = { method, path, status: Number(status), headers, body: JSON.stringify(value) };
            const faults = faultsOf(exchange);
            expect(faults.filter((fault) => !fault.startsWith('header'))).toEqual([]);
            examples += 1;
          }
        }
      }
    }
  }
  expect(examples).toBeGreaterThan(50);
});

describe('POST /identity', () => {
  it('issued, joined, and not waited for', async () => {
    const same = order('described.example');
    const headers = { 'idempotency-key': randomUUID(), prefer: 'wait=5' };
    expect((await post(same, headers)).status).toBe(201);
    expect((await post(same, headers)).status).toBe(201);
    expect((await post({ ...same, subject_dn: { common_name: 'other' } }, headers)).said.code).toBe('payload-mismatch');
    const sent = await post(order('async.example'), { prefer: 'respond-async' });
    expect(sent.status).toBe(202);
  });

  it.each<[string, object | string, Record<string, string>, number]>([
    ['not JSON', '{', {}, 400],
    ['too deep', '['.repeat(100), {}, 400],
    ['nothing of what is needed', { profile: 7, more: true }, {}, 400],
    ['no usable key', {}, { 'idempotency-key': 'ä' }, 400],
    ['no API key', {}, { authorization: '' }, 401],
    ['a profile that is not there', { ...order('a'), profile: 'nothing' }, {}, 409],
    ['too much', ' '.repeat(70_000), {}, 413],
    ['another media type', {}, { 'content-type': 'text/plain' }, 415],
    ['no CSR, and names that are not allowed', { ...order('a'), csr: 'MAAA', subject_dn: { locality: 'x' } }, {}, 422],
    ['too many headers', {}, Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`x-${at}`, 'x'])), 431],
  ])('%s', async (_name, body, headers, status) => {
    expect((await post(body, headers)).status).toBe(status);
  });
});

it('what is issued: read by its owner, not by others, and not cancelled', async () => {
  const { said } = await post(order('read.example'));
  const path = `/identity/${said.id}`;
  expect((await call('GET', path)).said.serial).toBe(said.serial);
  expect((await call('GET', path, { key: system.otherApiKey })).status).toBe(404);
  expect((await call('GET', path, { key: 'slk_wrong' })).status).toBe(401);
  expect((await call('DELETE', path)).said.code).toBe('not-cancellable');
  expect((await call('DELETE', path, { key: system.otherApiKey })).status).toBe(404);
  expect((await call('GET', '/identity/7')).status).toBe(400);
  expect((await call('DELETE', '/identity/7')).status).toBe(400);
  expect((await call('DELETE', path, { key: 'slk_wrong' })).status).toBe(401);
});

it('profiles, problems and the description itself', async () => {
  const { profiles } = (await call('GET', '/profiles')).said as { profiles: { name: string; available: boolean }[] };
  expect(profiles.map(({ name }) => name)).toEqual(Object.values(testProfiles).sort());
  expect(profiles.every(({ available }) => available)).toBe(true);
  expect((await call('GET', `/profiles/${testProfiles.rsa}`)).said.name).toBe(testProfiles.rsa);
  expect((await call('GET', '/profiles/issuing-ca')).status).toBe(404);
  expect((await call('GET', '/profiles', { key: 'slk_wrong' })).status).toBe(401);
  for (const accept of ['text/html', 'application/json']) {
    expect((await call('GET', '/problems', { headers: { accept } })).status).toBe(200);
    expect((await call('GET', '/problems/lane-full', { headers: { accept } })).status).toBe(200);
  }
  expect((await call('GET', '/problems/nothing')).status).toBe(404);
  expect((await call('GET', '/docs')).exchange.headers.get('content-type')).toContain('text/html');
  expect((await call('GET', '/openapi.json')).said).toEqual(document);
});

it('what is no operation', async () => {
  expect((await call('GET', '/nothing')).status).toBe(404);
  expect((await call('PUT', '/identity')).status).toBe(405);
  expect((await call('POST', '/docs')).status).toBe(405);
});

it('a CA that is disabled: told by profiles, by POST, and nothing else of it', async () => {
  await system.admin.call('POST', '/admin/v1/cas/ca-rsa/disable', { reason: 'to see what clients are told' });
  await expect
    .poll(async () => (await call('GET', `/profiles/${testProfiles.rsa}`)).said.unavailable_because)
    .toBe('ca-disabled');
  const refused = await post(order('a', testProfiles.rsa));
  expect(refused.said).toMatchObject({ status: 409, code: 'ca-disabled', fate: 'not-issued', ca: 'ca-rsa' });
});

it('without signers: continuing, cancelled, and not issued in time', async () => {
  await system.signers[0]?.process.terminate(15_000);
  expect((await post(order('late.example'), { prefer: 'wait=1' })).said).toMatchObject({
    status: 503,
    fate: 'not-issued',
  });
  const { said } = await post(order('waits.example'), { prefer: 'respond-async' });
  const path = `/identity/${said.id}`;
  const read = (await call('GET', path)).said;
  expect(read).toMatchObject({ state: 'queued' });
  expect(read).not.toHaveProperty('fate');
  expect((await call('DELETE', path)).said).toMatchObject({ state: 'cancelled' });
  expect((await call('DELETE', path)).status).toBe(200);
  expect((await call('GET', path)).said).toMatchObject({ status: 409, code: 'cancelled' });
});

it('without the ledger: unknown, and unavailable', async () => {
  const role = roleName(new URL(system.adminUrl).pathname.slice(1), 'identity-api');
  await system.query(`alter role "${role}" nologin`);
  await system.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
  const path = `/identity/${randomUUID().replace(/^(.{14})./, '$17')}`;
  expect((await call('GET', path)).said).toMatchObject({ status: 503, fate: 'unknown' });
  expect((await call('DELETE', path)).said).toMatchObject({ status: 503, fate: 'unknown' });
  expect((await post(order('a'), { 'idempotency-key': randomUUID(), prefer: 'wait=2' })).said).toMatchObject({
    status: 503,
    fate: 'unknown',
  });
  await system.query(`alter role "${role}" login`);
});

it('so every operation was seen with what it can be made to say from outside', () => {
  const seen = [...checker.seen].sort();
  expect(seen).toEqual(
    [
      ...['201', '202', '400', '401', '409', '413', '415', '422', '431', '503'].map(
        (status) => `orderIdentity ${status}`,
      ),
      ...['200', '400', '401', '404', '409', '503'].flatMap((status) => [
        `readIdentity ${status}`,
        `cancelIdentity ${status}`,
      ]),
      ...['listProfiles 200', 'listProfiles 401', 'readProfile 200', 'readProfile 404'],
      ...['listProblems 200', 'readProblem 200', 'readProblem 404', 'readDescription 200', 'readDocs 200'],
      ...['elsewhere 404', 'elsewhere 405'],
    ].sort(),
  );
});

describe('the comparison itself finds', () => {
  const faults = (change: (exchange: Exchange) => Partial<Exchange>, of: Exchange) =>
    createDescriptionChecker(document).faultsOf({ ...of, ...change(of) });
  const edited = (edit: (body: Record<string, unknown>) => void) => (exchange: Exchange) => {
    const body = JSON.parse(exchange.body) as Record<string, unknown>;
    edit(body);
    return { body: JSON.stringify(body) };
  };
  let refused: Exchange;
  beforeAll(async () => {
    refused = (await call('GET', '/identity/7')).exchange;
  });

  it.each<[string, (exchange: Exchange) => Partial<Exchange>, RegExp]>([
    ['a status', () => ({ status: 418 }), /418 is not described/],
    ['an operation', () => ({ path: '/elsewhere/7' }), /is not described/],
    [
      'a media type',
      () => ({ headers: new Headers({ 'content-type': 'text/plain' }) }),
      /text\/plain is not described/,
    ],
    [
      'a header that is missing',
      () => ({ headers: new Headers({ 'content-type': 'application/problem+json' }) }),
      /x-request-id is missing/,
    ],
    [
      'a header that is not described',
      ({ headers }) => ({ headers: new Headers([...headers, ['x-secret', '1']]) }),
      /x-secret is not described/,
    ],
    ['a member that is missing', edited((body) => delete body.what_to_do), /what_to_do/],
    ['a member that is not described', edited((body) => Object.assign(body, { stack: 'x' })), /stack/],
    ['a code of another operation', edited((body) => Object.assign(body, { code: 'media-type' })), /allowedValues/],
  ])('%s', (_name, change, told) => {
    expect(faults(() => ({}), refused)).toEqual([]);
    expect(faults(change, refused).join('\n')).toMatch(told);
  });
});
