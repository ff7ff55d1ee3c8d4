import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiKey, body, csr, type StartedFront, startFront } from './testing/start-front.js';

let front: StartedFront;
beforeAll(async () => {
  front = await startFront();
});
afterAll(async () => {
  // None of these reached the ledger.
  expect(new Set(Object.values(front.ledger.calls))).toEqual(new Set([0]));
  await front.server.stop(100);
});

const { profile, subject_dn } = body;
const proof = { nonce: 'x', signature: 'x' };
const byKey = { profile, subject_dn, public_key: 'MAAA', proof };
const raw = (text: string) => text;

it.each([
  ['not JSON', raw('{"profile":'), 400, 'body-invalid', ''],
  ['nothing', raw(''), 400, 'body-invalid', ''],
  ['a list', [], 400, 'body-invalid', ''],
  ['null', raw('null'), 400, 'body-invalid', ''],
  ['no profile', { subject_dn, csr }, 400, 'body-invalid', '/profile'],
  ['a profile that is a number', { ...body, profile: 7 }, 400, 'body-invalid', '/profile'],
  ['an empty profile', { ...body, profile: '' }, 400, 'body-invalid', '/profile'],
  ['no subject', { profile, csr }, 400, 'body-invalid', '/subject_dn'],
  ['no CSR', { profile, subject_dn }, 400, 'body-invalid', '/csr'],
  ['neither CSR nor public key', { profile, subject_dn, csr: undefined }, 400, 'body-invalid', '/csr'],
  ['a public key beside a CSR', { ...body, public_key: 'x' }, 400, 'body-invalid', '/public_key'],
  ['a proof beside a CSR', { ...body, proof }, 400, 'body-invalid', '/proof'],
  ['a public key without proof', { profile, subject_dn, public_key: 'x' }, 400, 'body-invalid', '/proof'],
  ['a proof without public key', { profile, subject_dn, proof }, 400, 'body-invalid', '/public_key'],
  ['a proof without nonce', { ...byKey, proof: { signature: 'x' } }, 400, 'body-invalid', '/proof/nonce'],
  ['a proof that is a text', { ...byKey, proof: 'x' }, 400, 'body-invalid', '/proof'],
  ['an unknown member of the proof', { ...byKey, proof: { ...proof, hash: 'x' } }, 400, 'body-invalid', '/proof/hash'],
  ['a nonce too long', { ...byKey, proof: { ...proof, nonce: 'x'.repeat(201) } }, 400, 'body-invalid', '/proof/nonce'],
  ['a public key that is none', byKey, 422, 'key-weak', '/public_key'],
  [
    'a begin in half a second',
    { ...body, validity: { not_before: '2026-11-21T08:00:00.5Z' } },
    400,
    'body-invalid',
    '/validity/not_before',
  ],
  [
    'a begin elsewhere',
    { ...body, validity: { not_before: '2026-11-21T08:00:00+01:00' } },
    400,
    'body-invalid',
    '/validity/not_before',
  ],
  [
    'an end on no day',
    { ...body, validity: { not_after: '2027-02-29T08:00:00Z' } },
    400,
    'body-invalid',
    '/validity/not_after',
  ],
  [
    'an end in the year 10000',
    { ...body, validity: { not_after: '10000-01-01T00:00:00Z' } },
    400,
    'body-invalid',
    '/validity/not_after',
  ],
  [
    'an end that is a number',
    { ...body, validity: { not_after: 1795248000 } },
    400,
    'body-invalid',
    '/validity/not_after',
  ],
  ['an unknown member of the validity', { ...body, validity: { days: 7 } }, 400, 'body-invalid', '/validity/days'],
  [
    'a validity that the profile does not take',
    { ...body, validity: { not_after: '2027-01-01T00:00:00Z' } },
    422,
    'validity-invalid',
    '/validity',
  ],
  ['an unknown member', { ...body, serial: '1' }, 400, 'body-invalid', '/serial'],
  ['an unknown member with a name to escape', { ...body, 'a/b~c': 1 }, 400, 'body-invalid', '/a~1b~0c'],
  ['__proto__', raw(`{"__proto__":{"x":1},${JSON.stringify(body).slice(1)}`), 400, 'body-invalid', '/__proto__'],
  ['an unknown subject field', { ...body, subject_dn: { cn: 'x' } }, 400, 'body-invalid', '/subject_dn/cn'],
  [
    'a list for one name',
    { ...body, subject_dn: { common_name: ['x'] } },
    400,
    'body-invalid',
    '/subject_dn/common_name',
  ],
  ['one name for a list', { ...body, san: { dns_names: 'x' } }, 400, 'body-invalid', '/san/dns_names'],
  ['a number among names', { ...body, san: { dns_names: ['x', 1] } }, 400, 'body-invalid', '/san/dns_names/1'],
  ['U+0000', { ...body, subject_dn: { common_name: 'a\u0000b' } }, 400, 'body-invalid', '/subject_dn/common_name'],
  [
    'a line feed',
    { ...body, subject_dn: { organizational_unit: ['a', 'b\n'] } },
    400,
    'body-invalid',
    '/subject_dn/organizational_unit/1',
  ],
  [
    'a lone surrogate',
    raw(JSON.stringify(body).replace('"unit"', '"\\ud800"')),
    400,
    'body-invalid',
    '/subject_dn/common_name',
  ],
  [
    'a control character in a name',
    { ...body, san: { dns_names: ['a\u007f'] } },
    400,
    'body-invalid',
    '/san/dns_names/0',
  ],
  ['U+0000 in the profile', { ...body, profile: 'a\u0000' }, 400, 'body-invalid', '/profile'],
  ['a deep body', raw(`${'['.repeat(30_000)}${']'.repeat(30_000)}`), 400, 'body-invalid', ''],
  ['a million brackets', raw('['.repeat(1_000_000)), 413, 'body-too-large', undefined],
  ['too many values', { ...body, san: { dns_names: Array(1000).fill('x') } }, 400, 'body-invalid', ''],
  ['a name too long', { ...body, profile: 'x'.repeat(64) }, 400, 'body-invalid', '/profile'],
  ['a subject that is a list', { ...body, subject_dn: [] }, 400, 'body-invalid', '/subject_dn'],
  ['a CSR beyond 16 kB', { ...body, csr: 'A'.repeat(16_385) }, 413, 'body-too-large', '/csr'],
  ['a body beyond 64 kB', raw(' '.repeat(65_537)), 413, 'body-too-large', undefined],
  ['a CSR that is none', { ...body, csr: 'MAAA' }, 422, 'csr-invalid', '/csr'],
  ['a CSR with U+0000', { ...body, csr: 'a\u0000' }, 422, 'csr-invalid', '/csr'],
])('%s', async (_name, sent, status, code, pointer) => {
  const answer = await front.post(sent);
  const said = (await answer.json()) as Record<string, unknown>;
  expect({ status: answer.status, code: said.code, pointer: said.pointer }).toEqual({ status, code, pointer });
  expect(said.request_id).toBe(answer.headers.get('x-request-id'));
  expect(said.type).toBe(`/problems/${code}`);
});

it('tells several faults at once', async () => {
  const answer = await front.post({ profile: 1, csr: 2 });
  const said = (await answer.json()) as { findings: { pointer: string }[] };
  expect(said.findings.map(({ pointer }) => pointer)).toEqual(['/profile', '/subject_dn', '/csr']);
});

it('says in words what is wrong, and never repeats what was sent', async () => {
  const sent = { subject_dn: { common_name: 'a\u0000', organization: ['x'] }, csr: 7, ['secret'.repeat(50)]: 1 };
  const said = (await (await front.post(sent)).json()) as { findings: object[]; detail: string };
  expect(said.findings).toEqual([
    { pointer: '/profile', code: 'body-invalid', detail: 'is missing' },
    { pointer: '/subject_dn/organization', code: 'body-invalid', detail: 'must be a text' },
    { pointer: '/csr', code: 'body-invalid', detail: 'must be a text' },
    {
      pointer: `/${'secret'.repeat(50).slice(0, 100)}`,
      code: 'body-invalid',
      detail: 'is not a member that this call knows',
    },
    {
      pointer: '/subject_dn/common_name',
      code: 'body-invalid',
      detail: 'must not hold control characters or lone surrogates',
    },
  ]);
  expect(said.detail).toBe('/profile is missing');
});

it('tells at most 20', async () => {
  const sent = { ...body, ...Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`member-${at}`, 1])) };
  expect((await (await front.post(sent)).json()) as object).toHaveProperty('findings.length', 20);
});

it('tells what is wrong with the CSR and with the names in one answer', async () => {
  const answer = await front.post({ ...body, csr: 'MAAA', subject_dn: { country: 'DE' } });
  const said = (await answer.json()) as { code: string; findings: { pointer: string }[] };
  expect(said.code).toBe('csr-invalid');
  expect(said.findings.map(({ pointer }) => pointer).sort()).toEqual([
    '/csr',
    '/subject_dn/common_name',
    '/subject_dn/country',
  ]);
});

it.each([
  ['text/plain', undefined, 415],
  ['application/json; charset=latin1', undefined, 415],
  ['application/json', 'gzip', 415],
  ['application/x-www-form-urlencoded', undefined, 415],
])('content type %s, encoding %s: %d', async (contentType, encoding, status) => {
  const headers = { 'content-type': contentType, ...(encoding ? { 'content-encoding': encoding } : {}) };
  expect((await front.post(body, headers)).status).toBe(status);
});

it('takes application/json with charset=UTF-8, and refuses bytes that are not UTF-8', async () => {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json; charset="UTF-8"' };
  const bad = Buffer.concat([Buffer.from('{"profile":"'), Buffer.of(0xff), Buffer.from('"}')]);
  const answer = await front.fetch('/identity', { method: 'POST', headers, body: bad });
  expect(await answer.json()).toMatchObject({ status: 400, code: 'body-invalid' });
});

it('a long body without a length is cut off', async () => {
  const endless = new ReadableStream({
    start(controller) {
      for (let chunk = 0; chunk < 20; chunk++) controller.enqueue(new Uint8Array(10_000));
      controller.close();
    },
  });
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body: endless, duplex: 'half' };
  const answer = await front.fetch('/identity', init);
  expect(answer.status).toBe(413);
  expect(answer.headers.get('connection')).toBe('close');
});

it.each([
  ['POST', '/identity/'],
  ['POST', '/Identity'],
  ['GET', '/'],
])('%s %s is not found', async (method, path) => {
  const answer = await front.fetch(path, { method });
  expect(await answer.json()).toMatchObject({ status: 404, code: 'not-found' });
});

it.each([
  ['GET', '/identity', 'POST'],
  ['OPTIONS', '/identity', 'POST'],
  ['PUT', '/identity/x', 'HEAD, GET, DELETE'],
])('%s %s is not allowed; allowed is %s', async (method, path, allow) => {
  const answer = await front.fetch(path, { method });
  expect(answer.headers.get('allow')).toBe(allow);
  expect(await answer.json()).toMatchObject({ status: 405, code: 'method-not-allowed' });
});

it('a path that cannot be decoded is no id', async () => {
  expect(await (await front.fetch('/identity/%E0%A4%A')).json()).toMatchObject({
    status: 400,
    code: 'id-invalid',
  });
});

it.each([
  ['a-sane_id.1', true],
  ['short', false],
  ['x'.repeat(65), false],
  ['with blanks in it', false],
])('X-Request-Id %j: kept %s', async (id, kept) => {
  const answer = await front.post('', { 'x-request-id': id });
  expect(answer.headers.get('x-request-id') === id).toBe(kept);
});
