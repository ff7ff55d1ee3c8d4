import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ClientOptions, createClient, type San, type SubjectDn, type Validity } from '@sluice/client';
import type { sanSchema, subjectDnSchema, validitySchema } from '@sluice/pki';
import { makeCsr, testProfiles } from '@sluice/testkit';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { system } from './one-system.js';

// The client that applications use, against real processes.

const root = new URL('../..', import.meta.url).pathname;

const front = () => system.frontEnds[0]?.url ?? '';
const clientOf = (more: Partial<ClientOptions> = {}) =>
  createClient({ baseUrl: front(), apiKey: system.apiKey, ...more });
const orderFor = (common_name: string) => ({
  profile: testProfiles.p256,
  subject_dn: { common_name },
  csr: makeCsr('ec-p256', common_name).pem,
});
const rowsOf = (key: string) =>
  system.query<{ requests: number; certificates: number }>(
    `select count(distinct r.id)::integer as requests, count(c.der)::integer as certificates
     from ledger.request r left join ledger.certificate c on c.request_id = r.id where r.idempotency_key = $1`,
    [key],
  );

describe('each example of its README', () => {
  const readme = readFileSync(join(root, 'packages/client/README.md'), 'utf8');
  const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code ?? '');

  it.each([
    ['the first', examples[0], /-----BEGIN CERTIFICATE-----/],
    ['with a key of its own', examples[1], /^issued [0-9a-f-]{36}\n$/],
    ['without waiting', examples[2], /^issued\n$/],
  ])('does what it says: %s', async (_what, code = '', printed) => {
    const file = join(mkdtempSync(join(tmpdir(), 'sluice-client-')), 'order.json');
    writeFileSync(file, JSON.stringify(orderFor('readme')));
    const text = code.replace("'tls-client'", JSON.stringify(testProfiles.p256));
    const env = { ...process.env, SLUICE_URL: front(), SLUICE_API_KEY: system.apiKey, SLUICE_ORDER: file };
    const ran = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', text], { cwd: root, env });
    expect(ran.stdout).toMatch(printed);
  });

  it('is run here', () => {
    expect(examples).toHaveLength(3);
  });
});

it('gets a certificate for a key that never leaves it', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { csr: _csr, ...content } = orderFor('by key');
  const ordered = await clientOf().order({ ...content, key: privateKey });
  if (ordered.fate !== 'issued') throw new Error('it was not issued');
  expect(new X509Certificate(ordered.signing_cert).checkPrivateKey(privateKey)).toBe(true);
  expect(await clientOf().read(ordered.id)).toEqual(ordered);
});

it('joins what it has ordered when the answers are lost: one request, one certificate', async () => {
  let calls = 0;
  const losing: typeof fetch = async (...call) => {
    const answer = await fetch(...call);
    calls += 1;
    if (calls > 2) return answer;
    await answer.text();
    throw new TypeError('fetch failed');
  };
  const idempotencyKey = randomUUID();
  const ordered = await clientOf({ fetch: losing, random: () => 0 }).order(orderFor('lost'), { idempotencyKey });
  expect([ordered.fate, calls]).toEqual(['issued', 3]);
  expect(await rowsOf(idempotencyKey)).toEqual([{ requests: 1, certificates: 1 }]);
});

it('is told that nothing was issued in time, and gets it with the same key later', async () => {
  const [signer] = system.signers;
  const idempotencyKey = randomUUID();
  const order = orderFor('late');
  signer?.process.freeze();
  try {
    // It offers to wait 2 s, and has no time for a second attempt.
    const late = clientOf().order(order, { idempotencyKey, timeoutMs: 3240 });
    await expect(late).rejects.toMatchObject({ code: 'not-issued', fate: 'not-issued', gaveUp: 'deadline' });
  } finally {
    signer?.process.thaw();
  }
  expect(await clientOf().order(order, { idempotencyKey })).toMatchObject({ fate: 'issued' });
  // Begun anew under its key, and never signed in vain.
  expect(await rowsOf(idempotencyKey)).toEqual([{ requests: 2, certificates: 1 }]);
});

it('follows what goes on, and cancels what is not wanted', async () => {
  const [signer] = system.signers;
  const client = clientOf();
  signer?.process.freeze();
  try {
    const [wanted, unwanted] = [orderFor('wanted'), orderFor('unwanted')];
    const kept = await client.order(wanted, { respondAsync: true });
    expect(await client.read(kept.id)).toMatchObject({ fate: undefined, state: 'queued' });
    const dropped = await client.order(unwanted, { respondAsync: true });
    await client.cancel(dropped.id);
    await expect(client.read(dropped.id)).rejects.toMatchObject({ code: 'cancelled', fate: 'cancelled' });
    const following = client.follow(kept.id);
    signer?.process.thaw();
    expect(await following).toMatchObject({ fate: 'issued', id: kept.id });
    await expect(client.cancel(kept.id)).rejects.toMatchObject({ code: 'not-cancellable', gaveUp: 'permanent' });
  } finally {
    signer?.process.thaw();
  }
});

it.each([
  ['an API key of nobody', { apiKey: `slk_${'x'.repeat(43)}` }, {}, { code: 'unauthorized', fate: 'not-issued' }],
  ['a profile of others', {}, { profile: 'nowhere' }, { code: 'profile-unknown', problem: { pointer: '/profile' } }],
  ['a field too many', {}, { subject_dn: { common_name: 'a', country: 'CH' } }, { code: 'subject-invalid' }],
] as const)('is refused once and for all: %s', async (_what, settings, change, told) => {
  let calls = 0;
  const counting: typeof fetch = (...call) => {
    calls += 1;
    return fetch(...call);
  };
  const client = clientOf({ fetch: counting, ...settings });
  const error = await client.order({ ...orderFor('refused'), ...change }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'CallError', gaveUp: 'permanent', attempts: 1, ...told });
  expect(calls).toBe(1);
});

it('understands every answer that the description tells', async () => {
  interface Described {
    content: Record<string, { examples?: Record<string, { value: Record<string, unknown> }> }>;
  }
  const description = (await (await fetch(`${front()}/openapi.json`)).json()) as {
    paths: Record<string, { post: { responses: Record<string, Described> } }>;
  };
  const described = Object.entries(description.paths['/identity']?.post.responses ?? {}).flatMap(
    ([status, { content }]) =>
      Object.values(content).flatMap(({ examples = {} }) =>
        Object.values(examples).map(({ value }) => ({ status: Number(status), value })),
      ),
  );
  expect(described.length).toBeGreaterThan(40);
  for (const { status, value } of described) {
    const answering = async () => new Response(JSON.stringify(value), { status });
    const client = clientOf({ fetch: answering, random: () => 0 });
    const told = await client.order(orderFor('any'), { respondAsync: true }).catch((thrown: unknown) => thrown);
    if (status === 201) expect(told).toEqual({ ...value, fate: 'issued' });
    else if (status === 202) expect(told).toMatchObject(value);
    else expect(told).toMatchObject({ name: 'CallError', status, code: value.code, problem: value });
  }
});

it('takes the bodies that the service takes', () => {
  expectTypeOf<typeof subjectDnSchema._output>().toExtend<SubjectDn>();
  expectTypeOf<keyof SubjectDn>().toEqualTypeOf<keyof typeof subjectDnSchema._output>();
  expectTypeOf<typeof sanSchema._output>().toExtend<San>();
  expectTypeOf<keyof San>().toEqualTypeOf<keyof typeof sanSchema._output>();
  expectTypeOf<typeof validitySchema._output>().toExtend<Validity>();
  expectTypeOf<keyof Validity>().toEqualTypeOf<keyof typeof validitySchema._output>();
});

it('leaves a ledger that agrees with what was signed', async () => {
  await system.settle(10_000);
  expect((await system.audit([])).violations).toEqual([]);
});
