import { execFile, execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Context, createContext } from '@sluice/issuer-registry';
import {
  type Caller,
  type ClaimedRequest,
  createSignerLedger,
  enrolOperator,
  enrolServiceKey,
  migrate,
  roleName,
  type ServiceName,
  type SignerLedger,
  setUpRoles,
} from '@sluice/ledger';
import { createDatabase } from '@sluice/local-stack';
import { createRegistryClient, type RegistryClient } from '@sluice/registry-client';
import type { BlockedKeyList, CaView, CreateAccountAnswer, Status, Why } from '@sluice/registry-protocol';
import { createLogger } from '@sluice/telemetry';
import { type AdminClient, createAdminClient, sharedPostgres } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';

// Goal: the registry against the real ledger. Method: two registries in this process on one database, an operator who
// calls the first, a subscriber who looks at the second, and a signer's ledger that the test moves by hand.

const dir = mkdtempSync(join(tmpdir(), 'registry-'));
const operator = generateKeyPairSync('ed25519');
const service = generateKeyPairSync('ed25519');
const spki = (key: KeyObject): Uint8Array => key.export({ type: 'spki', format: 'der' });
const log = createLogger({ service: 'issuer-registry', name: 'test', level: 'silent' });
const compiler = 'test-1';
const lane = { class: 'async', keyGroup: 'default' } as const;

let registries: Context[];
let admin: AdminClient;
let subscriber: RegistryClient;
let signer: SignerLedger;
let caller: Caller;

beforeAll(async () => {
  const adminUrl = await createDatabase(await sharedPostgres(), 'registry');
  await migrate(adminUrl);
  const password = randomBytes(12).toString('hex');
  const services = ['identity-api', 'signer', 'issuer-registry', 'ocsp-responder'] as const;
  await setUpRoles(
    adminUrl,
    Object.fromEntries(services.map((name) => [name, password])) as Record<ServiceName, string>,
  );
  const urlOf = (name: ServiceName): string => {
    const url = new URL(adminUrl);
    url.username = roleName(url.pathname.slice(1), name);
    url.password = password;
    return url.href;
  };
  await enrolOperator(adminUrl, { name: 'alice', publicKey: spki(operator.publicKey) });
  await enrolServiceKey(adminUrl, { name: 'signer-1', service: 'signer', publicKey: spki(service.publicKey) });
  registries = ['registry-1', 'registry-2'].map((name) =>
    createContext(
      { name, listen: { host: '127.0.0.1', port: 0 }, databaseUrl: urlOf('issuer-registry'), logLevel: 'silent' },
      { log },
    ),
  );
  for (const { parts } of registries) for (const part of parts) await part.start();
  const baseUrl = (index: number): string => `http://${registries[index]?.address()}`;
  admin = createAdminClient({ baseUrl: () => baseUrl(0), name: 'alice', privateKey: operator.privateKey });
  subscriber = createRegistryClient({
    registryUrl: baseUrl(1),
    serviceName: 'signer-1',
    privateKeyPem: service.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    snapshotFile: join(dir, 'snapshot'),
    log,
    clock: () => new Date(),
    lease: { caller: () => caller, renewNow: async () => undefined },
    prepare: () => () => undefined,
    earlierEnded: async () => undefined,
  });
  signer = createSignerLedger({ url: urlOf('signer') });
  caller = await signer.enrol('signer-1', 0n);
  await subscriber.stream.start();
});

/** What the registry has now is pushed to the other process's subscriber. */
async function pushed(): Promise<void> {
  const { epoch } = await admin.call<{ epoch: string }>('GET', '/admin/v1/cas');
  await subscriber.applied(BigInt(epoch), 10_000);
}

afterAll(async () => {
  await subscriber?.stream.stop(1000);
  await signer?.close();
  for (const { parts } of registries ?? []) for (const part of [...parts].reverse()) await part.stop(2000);
});

/** Key work of that purpose, as soon as a registry has put it into the ledger. */
async function claimOne(purpose: string): Promise<ClaimedRequest> {
  const claimed: ClaimedRequest[] = [];
  await expect
    .poll(
      async () => {
        const serials = Array.from({ length: 4 }, () => Uint8Array.of(0x20, ...randomBytes(15)));
        const claim = { caller, claimId: randomUUID(), lane, countMax: 4, serials, compiler, leaseMs: 10_000 };
        claimed.push(...(await signer.claim(claim)).claimed);
        return claimed.length;
      },
      { timeout: 10_000, interval: 50 },
    )
    .toBeGreaterThan(0);
  // Two registries look once a second each, and yet there is one of it.
  expect(claimed.map((request) => request.purpose)).toEqual([purpose]);
  return claimed[0] as ClaimedRequest;
}

/** Any certificate of the CA's key will do: the ledger stores bytes, and OpenSSL is quick to ask. */
function selfSigned(privateKey: KeyObject): Uint8Array {
  const keyFile = join(dir, 'key.pem');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const args = ['req', '-x509', '-new', '-key', keyFile, '-subj', '/CN=Root', '-days', '30', '-outform', 'DER'];
  return execFileSync('openssl', args);
}

const rootProfile = JSON.stringify({
  name: 'root-itself',
  ca: 'root',
  purpose: 'ca-certificate',
  validity_seconds: 30 * 86_400,
  subject: { common_name: 'required' },
  keys: ['ec-p256'],
  key_usage: ['keyCertSign', 'cRLSign'],
  basic_constraints: { ca: true },
});
const rootBody = {
  name: 'root',
  key_group: 'default',
  key_algorithm: 'ec-p256',
  subject_dn: { common_name: 'Root' },
  issuer: null,
  self_profile: rootProfile,
};

it('makes a root: key work for its key, then for its certificate, once each, and tells subscribers', async () => {
  await admin.call('POST', '/admin/v1/cas', rootBody);
  await expect(admin.call('POST', '/admin/v1/cas', rootBody)).rejects.toThrow('409');

  const generate = await claimOne('generate');
  const asked = await admin.call<Why>('GET', `/admin/v1/requests/${generate.requestId}`);
  expect(asked).toMatchObject({ state: 'signing', purpose: 'generate', ca: 'root', class: 'async' });
  expect(Math.abs(Date.parse(asked.deadline ?? '') - Date.now() - 86_400_000)).toBeLessThan(60_000);
  const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { requestId, attempt } = generate;
  expect(await signer.completeGenerate(caller, { requestId, attempt, spki: spki(key.publicKey) })).toBe('issued');
  const made = await admin.call<CaView>('GET', '/admin/v1/cas/root');
  const keyHash = createHash('sha256').update(spki(key.publicKey)).digest('hex');
  expect(made).toMatchObject({ state: 'pending', spki_sha256: keyHash, certificate_pem: null });
  expect(await admin.call<Why>('GET', `/admin/v1/requests/${requestId}`)).toMatchObject({
    state: 'issued',
    serial: null,
  });

  await signer.registerTemplates(caller, compiler, [{ profile: 'root-itself', revision: 1, hash: randomBytes(32) }]);
  const certify = await claimOne('ca-certificate');
  expect(certify).toMatchObject({
    ca: 'root',
    subjectCa: 'root',
    content: '{"san":{},"subject_dn":{"common_name":"Root"}}',
  });
  expect(Buffer.from(certify.spki).equals(spki(key.publicKey))).toBe(true);
  const certificate = selfSigned(key.privateKey);
  const { validFrom, validTo } = new X509Certificate(certificate);
  const verdict = await signer.completeCaCertificate(caller, {
    requestId: certify.requestId,
    attempt: certify.attempt,
    serial: certify.serial,
    certificate,
    notBefore: new Date(validFrom),
    notAfter: new Date(validTo),
  });
  expect(verdict).toBe('issued');

  const active = await admin.call<CaView>('GET', '/admin/v1/cas/root');
  expect(active).toMatchObject({ state: 'active', not_after: new Date(validTo).toISOString() });
  expect(active.certificate_pem).toContain('BEGIN CERTIFICATE');
  await pushed();
  const told = subscriber.current()?.snapshot.cas[0];
  expect(told).toMatchObject({ state: 'active', certificate: Buffer.from(certificate).toString('base64') });
  expect(String(subscriber.appliedEpoch())).toBe(active.epoch);
});

it('takes profiles and accounts: what is applied again changes nothing, and only a key’s hash is kept', async () => {
  const client = {
    name: 'client',
    ca: 'root',
    purpose: 'subscriber',
    validity_seconds: 3600,
    subject: { common_name: 'required' },
    keys: ['ec-p256'],
    key_usage: ['digitalSignature'],
    extended_key_usage: ['clientAuth'],
  };
  const apply = (validity_seconds: number, dry_run = false): Promise<object> =>
    admin.call('POST', '/admin/v1/profiles', { document: JSON.stringify({ ...client, validity_seconds }), dry_run });
  expect(await apply(3600)).toMatchObject({ revision: 1, unchanged: false });
  expect(await apply(3600, true)).toMatchObject({ revision: 1, unchanged: true });
  expect(await apply(3600)).toMatchObject({ revision: 1, unchanged: true });
  expect(await apply(7200, true)).toMatchObject({ revision: 2, unchanged: false });
  expect(await apply(7200)).toMatchObject({ revision: 2, unchanged: false });
  const account = { name: 'acme', profiles: ['client'] };
  const { api_key } = await admin.call<CreateAccountAnswer>('POST', '/admin/v1/accounts', account);
  await expect(admin.call('POST', '/admin/v1/accounts', account)).rejects.toThrow('409');
  await pushed();
  const { snapshot } = subscriber.current() ?? {};
  expect(snapshot?.profiles.find(({ name }) => name === 'client')).toMatchObject({ revision: 2, state: 'enabled' });
  expect(snapshot?.accounts).toEqual([
    {
      name: 'acme',
      state: 'enabled',
      profiles: ['client'],
      apiKeyHashes: [createHash('sha256').update(String(api_key)).digest('hex')],
    },
  ]);
});

it('disables a CA once, by one operator, and subscribers see it', async () => {
  await admin.call('POST', '/admin/v1/cas/root/disable', { reason: 'a drill', dry_run: true });
  expect((await admin.call<CaView>('GET', '/admin/v1/cas/root')).state).toBe('active');
  await admin.call('POST', '/admin/v1/cas/root/disable', { reason: 'a drill' });
  await expect(admin.call('POST', '/admin/v1/cas/root/disable', { reason: 'again' })).rejects.toThrow('409');
  await expect.poll(() => subscriber.current()?.snapshot.cas[0]?.state, { timeout: 5000 }).toBe('disabled');
});

it('gives a key that an operator blocks to every subscriber', async () => {
  const spki_sha256 = 'ab'.repeat(32);
  const body = { spki_sha256, reason: 'leaked' };
  const { epoch } = await admin.call<{ epoch: string }>('POST', '/admin/v1/blocked-keys', body);
  await pushed();
  const snapshot = subscriber.current()?.snapshot;
  expect(snapshot).toMatchObject({ epoch, blockedKeys: Buffer.from(spki_sha256, 'hex').toString('base64') });
  const list = await admin.call<BlockedKeyList>('GET', '/admin/v1/blocked-keys');
  const row = { spki_sha256, reason: 'leaked', blocked_by: 'alice', epoch };
  expect(list).toMatchObject({ epoch, count: 1, blocked_keys: [row] });
});

it('shows all of it in the status, partitions made ahead included', async () => {
  const { epoch } = await admin.call<{ epoch: string }>('GET', '/admin/v1/cas');
  await signer.renew(caller, BigInt(epoch));
  const status = await admin.call<Status>('GET', '/admin/v1/status');
  expect(status).toMatchObject({ registry: 'registry-1', epoch });
  expect(status.cas).toEqual([expect.objectContaining({ name: 'root', state: 'disabled' })]);
  const [subscribed] = status.subscribers.filter(({ name }) => name === 'signer-1');
  expect(subscribed).toMatchObject({
    service: 'signer',
    incarnation: String(caller.incarnation),
    applied_epoch: epoch,
  });
  expect(status.subscribers.map(({ name }) => name)).toEqual(['registry-1', 'registry-2', 'signer-1']);
  expect(status.recent_ends).toEqual([{ state: 'issued', code: null, count: 2 }]);
  const metrics = await (await fetch(`http://${registries[0]?.address()}/metrics`)).text();
  const daysAhead = Number(/^sluice_partition_days_ahead\{[^}]*\} (\d+)/m.exec(metrics)?.[1]);
  expect(daysAhead).toBeGreaterThanOrEqual(7);
  expect(metrics).toMatch(/^sluice_registry_epoch\{[^}]*\} \d+/m);
  expect((await fetch(`http://${registries[0]?.address()}/readyz`)).status).toBe(200);
});

interface Said {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}
/** The command as `npm ci` links it, in a process of its own. */
async function sluice(name: string, privateKey: KeyObject, ...args: string[]): Promise<Said> {
  const keyFile = join(dir, `${name}.pem`);
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const command = fileURLToPath(new URL('../../services/admin-cli/bin/sluice.js', import.meta.url));
  const options = { env: { ...process.env, SLUICE_REGISTRY_URL: `http://${registries[0]?.address()}` } };
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [command, '--operator', name, '--key', keyFile, ...args],
      options,
      (_error, out, err) => resolve({ exitCode: child.exitCode ?? -1, out, err }),
    );
  });
}

it('serves the operator’s command line, and refuses whoever is none', async () => {
  const [status, missing, refused, stranger] = await Promise.all([
    sluice('alice', operator.privateKey, 'status'),
    sluice('alice', operator.privateKey, 'ca', 'show', 'nobody', '--json'),
    sluice('alice', operator.privateKey, 'ca', 'disable', 'root', '--reason', 'x', '--yes'),
    sluice('signer-1', service.privateKey, 'status'),
  ]);
  expect(status).toMatchObject({ exitCode: 0, err: '' });
  expect(status.out).toMatch(/root +disabled +default/);
  expect(missing.exitCode).toBe(3);
  expect(JSON.parse(missing.err)).toMatchObject({ error: { code: 'not-found' } });
  expect(refused.exitCode).toBe(4);
  expect(stranger.exitCode).toBe(5);
});
