import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { makeCsr, testProfiles } from '@sluice/testkit';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { badCsrs, soundCsr } from './bad-csrs.js';
import { system } from './one-system.js';

// What should not come in, against the real front end: each refused with its code and pointer; and when all of it has
// been tried, not an octet of the ledger is different.

/** Of an account that may use `names`, made for these tests. */
let apiKey: string;
/** A request of the first account, issued, and the key it was asked for with. */
let issued: { readonly id: string; readonly key: string };
let before: Record<string, string>;
const answered: { status: number; name: string }[] = [];

beforeAll(async () => {
  await system.admin.call('POST', '/admin/v1/profiles', { document: JSON.stringify(namesProfile) });
  const account = { name: 'names-account', profiles: ['names'] };
  apiKey = (await system.admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', account)).api_key;
  await vi.waitFor(async () => expect((await send(order)).status).toBe(201), { timeout: 20_000, interval: 100 });
  const key = randomUUID();
  const first = await system.client().post({
    ...{ profile: testProfiles.p256, csr: makeCsr('ec-p256', 'first').pem, subjectDn: { common_name: 'first' }, key },
  });
  issued = { id: first.id ?? '', key };
  await system.settle(10_000);
  before = await ledger();
});

const namesProfile = {
  name: 'names',
  ca: 'ca-p256',
  purpose: 'subscriber',
  validity_seconds: 86_400,
  backdate_seconds: 60,
  subject: {
    common_name: 'required',
    country: 'optional',
    organization: { static: 'Test Organization' },
    organizational_unit: 'optional',
    email: 'optional',
    serial_number: 'optional',
  },
  san: {
    dns_names: { rule: 'optional', max: 3, reserved: 'allow' },
    emails: { rule: 'optional', max: 2 },
    ip_addresses: { rule: 'optional', max: 2 },
    uris: { rule: 'optional', max: 2 },
  },
  keys: ['ec-p256', 'rsa-2048'],
  key_usage: ['digitalSignature'],
  extended_key_usage: ['clientAuth'],
};

const order = { profile: 'names', subject_dn: { common_name: 'sound.example' }, csr: soundCsr };
const subject = (more: object) => ({ ...order, subject_dn: { ...order.subject_dn, ...more } });
const san = (names: object) => ({ ...order, san: names });
const members = JSON.stringify(order).slice(1);

interface Said {
  readonly status: number;
  readonly code?: string;
  readonly pointer?: string;
  readonly fate?: string;
  readonly findings?: readonly { pointer: string; code: string }[];
}

function url(path: string): string {
  return `${system.frontEnds[0]?.url}${path}`;
}

async function send(
  body: object | string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = '/identity',
  method = 'POST',
): Promise<Said> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const answer = await fetch(url(path), {
    method,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    ...(method === 'POST' ? { body: raw ? body : JSON.stringify(body) } : {}),
  });
  const said = await answer.text();
  system.compare({ method, path, status: answer.status, headers: answer.headers, body: said });
  return { ...(JSON.parse(said) as Said), status: answer.status };
}

/** Sends it, and compares status, code and pointer. */
async function refuses(sending: Promise<Said>, status: number, code: string, pointer?: string): Promise<Said> {
  const said = await sending;
  answered.push({ status: said.status, name: expect.getState().currentTestName ?? '' });
  expect({ status: said.status, code: said.code, pointer: said.pointer }).toEqual({ status, code, pointer });
  if (pointer !== undefined) expect(said.findings?.[0]).toMatchObject({ pointer, code });
  return said;
}

/** Every row of every table of the ledger, as one hash per table. */
/** What the services note down by the second, whatever is asked for. */
const upkeep = ['audit_mark', 'lane_count', 'signer_capacity', 'sweep_mark'];

async function ledger(): Promise<Record<string, string>> {
  const tables = await system.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p')
     and not c.relispartition and c.relname <> all ($1) order by 1`,
    [upkeep],
  );
  const hashes: Record<string, string> = {};
  for (const { name } of tables) {
    const [row] = await system.query<{ state: string }>(
      `select count(*) || ' rows, ' || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as state from ledger."${name}" t`,
    );
    hashes[name] = row?.state ?? '';
  }
  return hashes;
}

describe('not the JSON that is asked for', () => {
  it.each<[string, object | string, number, string, string | undefined]>([
    ['not JSON', '{"profile":', 400, 'body-invalid', ''],
    ['nothing', '', 400, 'body-invalid', ''],
    ['JSON and more', `${JSON.stringify(order)}x`, 400, 'body-invalid', ''],
    ['a byte order mark', `\ufeff\ufeff${JSON.stringify(order)}`, 400, 'body-invalid', ''],
    ['NaN', `{"subject":NaN,${members}`, 400, 'body-invalid', ''],
    ['a list', [order], 400, 'body-invalid', ''],
    ['a text', '"order"', 400, 'body-invalid', ''],
    ['null', 'null', 400, 'body-invalid', ''],
    ['a million brackets', '['.repeat(1_000_000), 413, 'body-too-large', undefined],
    ['60,000 brackets', '['.repeat(60_000), 400, 'body-invalid', ''],
    ['17 levels', `{"a":${'['.repeat(16)}${']'.repeat(16)},${members}`, 400, 'body-invalid', ''],
    ['60,000 objects in one another', '{"a":'.repeat(10_000), 400, 'body-invalid', ''],
    ['2,000 values', san({ dns_names: Array(2000).fill('a') }), 400, 'body-invalid', ''],
    ['more than 64 kB', ' '.repeat(65_537), 413, 'body-too-large', undefined],
    ['a CSR of more than 16 kB', { ...order, csr: 'A'.repeat(16_385) }, 413, 'body-too-large', '/csr'],
    ['a member that stands there twice', `{"profile":"other",${members}`, 400, 'body-invalid', '/profile'],
    [
      'one of the subject, written with an escape',
      JSON.stringify(order).replace('{"common_name"', '{"common\\u005fname":"x","common_name"'),
      ...([400, 'body-invalid', '/subject_dn/common_name'] as const),
    ],
    ['an unknown member', { ...order, validity: '10y' }, 400, 'body-invalid', '/validity'],
    ['an extension', { ...order, extensions: { ca: true } }, 400, 'body-invalid', '/extensions'],
    ['__proto__', `{"__proto__":{"profile":"x"},${members}`, 400, 'body-invalid', '/__proto__'],
    ['an unknown subject field', subject({ cn: 'x' }), 400, 'body-invalid', '/subject_dn/cn'],
    ['an unknown kind of name', san({ directory_names: ['x'] }), 400, 'body-invalid', '/san/directory_names'],
    ['an other name that is a text', san({ other_names: ['x'] }), 400, 'body-invalid', '/san/other_names/0'],
    ['a profile that is a number', { ...order, profile: 7 }, 400, 'body-invalid', '/profile'],
    ['a subject that is a text', { ...order, subject_dn: 'CN=x' }, 400, 'body-invalid', '/subject_dn'],
    ['a name that is a list', subject({ common_name: ['x'] }), 400, 'body-invalid', '/subject_dn/common_name'],
    ['names that are a text', san({ dns_names: 'x' }), 400, 'body-invalid', '/san/dns_names'],
    ['a name that is null', san({ dns_names: ['a', null] }), 400, 'body-invalid', '/san/dns_names/1'],
    ['no profile', { ...order, profile: undefined }, 400, 'body-invalid', '/profile'],
    ['no subject', { ...order, subject_dn: undefined }, 400, 'body-invalid', '/subject_dn'],
    ['no CSR', { ...order, csr: undefined }, 400, 'body-invalid', '/csr'],
    ['an empty profile', { ...order, profile: '' }, 400, 'body-invalid', '/profile'],
    ['a profile name that is too long', { ...order, profile: 'a'.repeat(64) }, 400, 'body-invalid', '/profile'],
  ])('%s', async (_name, body, status, code, pointer) => {
    await refuses(send(body), status, code, pointer);
  });

  it('bytes that are not UTF-8', async () => {
    // An overlong zero, half a character, and a surrogate in three octets.
    for (const octets of ['c080', 'ff', 'eda080']) {
      const body = Buffer.concat([
        Buffer.from('{"profile":"'),
        Buffer.from(octets, 'hex'),
        Buffer.from(`",${members}`),
      ]);
      await refuses(send(new Uint8Array(body)), 400, 'body-invalid', '');
    }
  });

  it('all of the faults are told at once', async () => {
    const said = await refuses(send({ profile: 1, san: { uris: [2] }, x: 3 }), 400, 'body-invalid', '/profile');
    expect(said.findings?.map(({ pointer }) => pointer)).toEqual([
      '/profile',
      '/subject_dn',
      '/san/uris/0',
      '/x',
      '/csr',
    ]);
  });
});

describe('characters that no name has', () => {
  const places: readonly [string, (value: string) => object, string][] = [
    ['the profile', (value) => ({ ...order, profile: value }), '/profile'],
    ['a subject field', (value) => subject({ common_name: value }), '/subject_dn/common_name'],
    [
      'a list in the subject',
      (value) => subject({ organizational_unit: ['a', value] }),
      '/subject_dn/organizational_unit/1',
    ],
    ['a name', (value) => san({ dns_names: [value] }), '/san/dns_names/0'],
  ];
  const values: readonly [string, string][] = [
    ['U+0000', 'a\u0000b'],
    ['a line feed', 'a\nb'],
    ['U+007F', 'a\u007f'],
    ['U+0085', 'a\u0085'],
    ['a lone high surrogate', 'a\ud800b'],
    ['a lone low surrogate', '\udc00'],
    ['surrogates the wrong way round', '\udc00\ud800'],
  ];
  it.each(
    places.flatMap(([place, make, pointer]) =>
      values.map(([what, value]) => [what, place, make(value), pointer] as const),
    ),
  )('%s in %s', async (_what, _place, body, pointer) => {
    await refuses(send(body), 400, 'body-invalid', pointer);
  });

  it.each([
    ['a mark that turns the writing round', 'a\u202egpj.exe'],
    ['an isolate', '\u2066a'],
    ['a line separator', 'a\u2028b'],
    ['a blank at the end', 'a '],
    ['nothing but a blank', ' '],
  ])('%s', async (_name, value) => {
    await refuses(send(subject({ common_name: value })), 422, 'subject-invalid', '/subject_dn/common_name');
  });
});

describe('names and fields that the profile does not take', () => {
  it.each<[string, object, string]>([
    ['a missing field', { ...order, subject_dn: {} }, '/subject_dn/common_name'],
    ['a forbidden field', subject({ locality: 'x' }), '/subject_dn/locality'],
    ['a static field with another value', subject({ organization: 'Another' }), '/subject_dn/organization'],
    ['a name of 65 characters', subject({ common_name: 'x'.repeat(65) }), '/subject_dn/common_name'],
    ['a country of three letters', subject({ country: 'DEU' }), '/subject_dn/country'],
    ['a country in Cyrillic', subject({ country: '\u0421\u041d' }), '/subject_dn/country'],
    ['a mail address without a domain', subject({ email: 'a' }), '/subject_dn/email'],
    ['a number with an umlaut', subject({ serial_number: 'ä' }), '/subject_dn/serial_number'],
    ['too many units', subject({ organizational_unit: Array(50).fill('x') }), '/subject_dn/organizational_unit'],
    ['too many names', san({ dns_names: ['a.b', 'b.b', 'c.b', 'd.b'] }), '/san/dns_names'],
    ['a name twice', san({ dns_names: ['a.b', 'a.b'] }), '/san/dns_names/1'],
    ['an underscore', san({ dns_names: ['a_b.example'] }), '/san/dns_names/0'],
    ['capital letters', san({ dns_names: ['A.example'] }), '/san/dns_names/0'],
    ['a name in Cyrillic that looks Latin', san({ dns_names: ['\u0430pple.example'] }), '/san/dns_names/0'],
    ['a full-width letter', san({ dns_names: ['\uff41.example'] }), '/san/dns_names/0'],
    ['an ideographic full stop', san({ dns_names: ['a\u3002example'] }), '/san/dns_names/0'],
    ['a wildcard in the middle', san({ dns_names: ['a.*.example'] }), '/san/dns_names/0'],
    ['a wildcard alone', san({ dns_names: ['*'] }), '/san/dns_names/0'],
    ['an empty label', san({ dns_names: ['a..example'] }), '/san/dns_names/0'],
    ['a dot at the end', san({ dns_names: ['a.example.'] }), '/san/dns_names/0'],
    ['a hyphen first', san({ dns_names: ['-a.example'] }), '/san/dns_names/0'],
    ['a label of 64', san({ dns_names: [`${'a'.repeat(64)}.example`] }), '/san/dns_names/0'],
    ['a name of 254', san({ dns_names: [`${'a.'.repeat(125)}exam`] }), '/san/dns_names/0'],
    ['an address as a host name', san({ dns_names: ['192.0.2.1'] }), '/san/dns_names/0'],
    ['a host name as an address', san({ ip_addresses: ['a.example'] }), '/san/ip_addresses/0'],
    ['an address with a zone', san({ ip_addresses: ['fe80::1%eth0'] }), '/san/ip_addresses/0'],
    ['an octal address', san({ ip_addresses: ['0300.0.2.1'] }), '/san/ip_addresses/0'],
    ['a network', san({ ip_addresses: ['192.0.2.0/24'] }), '/san/ip_addresses/0'],
    ['two @', san({ emails: ['a@b@example'] }), '/san/emails/0'],
    ['a mail domain that is no A-label', san({ emails: ['a@\u0430pple.example'] }), '/san/emails/0'],
    ['a mail at a reserved domain', san({ emails: ['a@b.internal'] }), '/san/emails/0'],
    ['a private address', san({ ip_addresses: ['8.8.8.8', '10.0.0.1'] }), '/san/ip_addresses/1'],
    ['a URI of a reserved host', san({ uris: ['https://a.test/'] }), '/san/uris/0'],
    ['an A-label of two scripts', san({ dns_names: ['xn--pypal-4ve.zz'] }), '/san/dns_names/0'],
    ['an A-label in Cyrillic that looks Latin', san({ dns_names: ['xn--80ak6aa92e.zz'] }), '/san/dns_names/0'],
    [
      'a word of two scripts',
      subject({ organizational_unit: ['x', 'P\u0430yPal'] }),
      '/subject_dn/organizational_unit/1',
    ],
    ['a zero-width space', subject({ common_name: 'a\u200bb' }), '/subject_dn/common_name'],
    ['a URI with an empty host', san({ uris: ['https:///x'] }), '/san/uris/0'],
    ['a URI with a backslash', san({ uris: ['https://a.zz\\x'] }), '/san/uris/0'],
    ['a URI without a host', san({ uris: ['https://'] }), '/san/uris/0'],
    ['a relative URI', san({ uris: ['/x'] }), '/san/uris/0'],
    ['a URI that runs', san({ uris: ['javascript:alert(1)'] }), '/san/uris/0'],
    ['a URI with a password', san({ uris: ['https://a:b@example/'] }), '/san/uris/0'],
    ['a URI with a line break', san({ uris: ['https://a.example/\u2028'] }), '/san/uris/0'],
  ])('%s', async (_name, body, pointer) => {
    const said = await refuses(send(body), 422, 'subject-invalid', pointer);
    expect(said.fate).toBe('not-issued');
  });

  it('all of it, and the CSR, is told at once', async () => {
    const bad = { ...subject({ locality: 'x', country: 'de' }), san: { dns_names: ['_'] }, csr: 'MAAA' };
    const said = await refuses(send(bad), 422, 'csr-invalid', '/csr');
    expect(said.findings?.map(({ pointer }) => pointer).sort()).toEqual([
      ...['/csr', '/san/dns_names/0', '/subject_dn/country', '/subject_dn/locality'],
    ]);
  });
});

describe('a CSR that', () => {
  it.each(Object.entries(badCsrs))('%s', async (_name, { csr, code, status }) => {
    await refuses(send({ ...order, csr }), status, code, '/csr');
  });

  it.each([
    ['is no base64', 'not base64!'],
    ['is a certificate', '-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n'],
    [
      'has text around its PEM',
      `hello\n-----BEGIN CERTIFICATE REQUEST-----\n${soundCsr}\n-----END CERTIFICATE REQUEST-----\n`,
    ],
    ['holds U+0000', `${soundCsr.slice(0, 8)}\u0000${soundCsr.slice(8)}`],
    ['is blank', '   '],
  ])('%s', async (_name, csr) => {
    await refuses(send({ ...order, csr }), 422, 'csr-invalid', '/csr');
  });

  it('has a key of a kind that the profile does not take', async () => {
    const authorization = `Bearer ${system.apiKey}`;
    const { pem: csr } = makeCsr('rsa-2048', 'x', largeKey());
    await refuses(send({ ...order, profile: testProfiles.p256, csr }, { authorization }), 422, 'key-weak', '/csr');
  });
});

describe('callers', () => {
  it.each([
    ['no key', ''],
    ['another scheme', 'Basic c2xrOng='],
    ['a key that nobody has', `Bearer slk_${'a'.repeat(43)}`],
    ['a key that is too short', 'Bearer slk_a'],
    ['two keys', `Bearer slk_${'a'.repeat(43)}, Bearer slk_${'b'.repeat(43)}`],
    ['an inside token', 'Bearer eyJhbGciOiJFZERTQSJ9.e30.AAAA'],
  ])('%s', async (_name, authorization) => {
    await refuses(send(order, { authorization }), 401, 'unauthorized');
    await refuses(send(order, { authorization }, `/identity/${issued.id}`, 'GET'), 401, 'unauthorized');
    await refuses(send(order, { authorization }, '/profiles', 'GET'), 401, 'unauthorized');
  });

  it("another account's id, read or cancelled", async () => {
    await refuses(send({}, {}, `/identity/${issued.id}`, 'GET'), 404, 'not-found');
    await refuses(send({}, {}, `/identity/${issued.id}`, 'DELETE'), 404, 'not-found');
  });

  it.each(['7', `${'0'.repeat(8)}-0000-4000-8000-000000000000`, 'a%00b', '%E0%A4%A', "'; drop table ledger.work; --"])(
    'an id that is none: %s',
    async (id) => {
      await refuses(send({}, {}, `/identity/${id}`, 'GET'), 400, 'id-invalid');
      await refuses(send({}, {}, `/identity/${id}`, 'DELETE'), 400, 'id-invalid');
    },
  );

  it.each([testProfiles.p256, 'issuing-ca', 'nothing', '../names', 'constructor'])(
    'a profile that is not theirs: %s',
    async (profile) => {
      await refuses(send({ ...order, profile }), 409, 'profile-unknown', '/profile');
    },
  );

  it('a key for idempotency that stands for something else', async () => {
    const authorization = `Bearer ${system.apiKey}`;
    const other = { ...order, profile: testProfiles.p256 };
    const said = await refuses(send(other, { authorization, 'idempotency-key': issued.key }), 422, 'payload-mismatch');
    expect(said.fate).toBeUndefined();
  });

  it.each(['', 'x'.repeat(256), 'ä'])('a key for idempotency that is none: %j', async (key) => {
    await refuses(send(order, { 'idempotency-key': key }), 400, 'key-invalid');
  });
});

describe('HTTP', () => {
  it.each([
    ['text/plain', {}],
    ['application/json; charset=utf-16', {}],
    ['application/jsonp', {}],
    ['multipart/form-data; boundary=x', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('%s %j', async (contentType, more) => {
    await refuses(send(order, { 'content-type': contentType, ...more }), 415, 'media-type');
  });

  const head = () =>
    `POST /identity HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${apiKey}\r\nContent-Type: application/json\r\n`;
  it.each([
    ['not HTTP', () => 'SSH-2.0-x\r\n\r\n', 400, 'http-invalid'],
    ['two lengths', () => `${head()}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, 'http-invalid'],
    [
      'a length and chunks',
      () => `${head()}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
      'http-invalid',
    ],
    ['a header over two lines', () => `${head()}X-A: a\r\n b\r\n\r\n`, 400, 'http-invalid'],
    ['no Host', () => `${head().replace('Host: x\r\n', '')}Content-Length: 0\r\n\r\n`, 400, 'http-invalid'],
    ['a header of 20 kB', () => `${head()}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
    ['500 headers', () => `${head()}${'X-A: a\r\n'.repeat(500)}Content-Length: 0\r\n\r\n`, 431, 'headers-too-large'],
    ['3,000 headers', () => `${head()}${'a:\r\n'.repeat(3000)}Content-Length: 0\r\n\r\n`, 431, 'headers-too-large'],
  ])('%s', async (_name, octets, status, code) => {
    await refuses(spoken(octets()), status, code);
  });

  it.each([
    ['PUT', '/identity', 405, 'method-not-allowed'],
    ['GET', '/identity', 405, 'method-not-allowed'],
    ['POST', '/identity/', 404, 'not-found'],
    ['POST', '/IDENTITY', 404, 'not-found'],
    ['POST', '//identity', 404, 'not-found'],
    ['GET', '/admin/v1/cas', 404, 'not-found'],
    ['GET', '/problems/../identity', 405, 'method-not-allowed'],
  ])('%s %s', async (method, path, status, code) => {
    await refuses(send({}, {}, path, method), status, code);
  });
});

/** RSA of 3072 bits: sound, and in no profile of these tests. */
function largeKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 3072 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

/** Octets as they are; the first answer. */
async function spoken(octets: string): Promise<Said> {
  const { hostname, port } = new URL(url('/'));
  const socket = connect(Number(port), hostname);
  socket.write(octets);
  const answer = await text(socket);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const status = Number(answer.split(' ')[1]);
  const lines = head.split('\r\n').slice(1);
  const headers = new Headers(lines.map((line) => [line.split(': ')[0] ?? '', line.split(': ').slice(1).join(': ')]));
  system.compare({ method: 'POST', path: '/identity', status, headers, body });
  return { ...(JSON.parse(body) as Said), status };
}

describe('after all of it', () => {
  it('none was a fault of ours', () => {
    expect(answered.length).toBeGreaterThan(150);
    expect(answered.filter(({ status }) => status >= 500 || status < 400)).toEqual([]);
  });

  it('not a row of the ledger is different', async () => {
    expect(Object.keys(before)).toEqual(expect.arrayContaining(['request', 'work', 'idempotency', 'certificate']));
    expect(before.request).not.toMatch(/^0 rows/);
    expect(await ledger()).toEqual(before);
  });

  it('the same order without a fault is issued', async () => {
    const sound = {
      ...order,
      subject_dn: { common_name: 'after.example', country: 'DE' },
      san: { dns_names: ['a.example'] },
    };
    expect(await send(sound)).toMatchObject({ status: 201 });
    expect(await ledger()).not.toEqual(before);
  });
});
