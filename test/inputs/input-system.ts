import { hash, sign, X509Certificate } from 'node:crypto';
import { type ProfileDocument, parseProfile } from '@sluice/pki';
import { type System, startSystem, testProfiles } from '@sluice/testkit';
import { Pool } from 'undici';
import type { Order } from './expected-certificate.js';
import { exampleProfiles, widerProfiles } from './input-profiles.js';
import type { SubjectKey } from './subject-keys.js';

/** What the front end answered to one order. */
export interface InputAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** Wall clock, in milliseconds: before it was sent, and after it was answered. */
  readonly sentAt: number;
  readonly endedAt: number;
}

export interface InputSystem {
  readonly system: System;
  /** Every profile that the account may use. */
  readonly profiles: ReadonlyMap<string, ProfileDocument>;
  /**
   * Sends a body and waits for its end, however long: an order that goes on is looked at again. Rejects when the
   * connection breaks or the front end does not answer.
   */
  order(body: Uint8Array, key: string): Promise<InputAnswer>;
  /** The same order with the key itself, and a proof of possession, in place of the CSR. */
  withProof(order: Order, key: SubjectKey): Promise<object>;
  stop(): Promise<string[]>;
}

const inFlightMax = 64;
/** Far beyond the wait that the front end offers. */
const answerWithinMs = 60_000;

const account = 'input-account';
/** How a key signs a proof; Ed25519 hashes by itself. */
const proofDigests: Readonly<Record<string, string>> = {
  ...{ 'ec-p256': 'sha256', 'ec-p384': 'sha384', 'ec-p521': 'sha512' },
  ...{ 'rsa-2048': 'sha256', 'rsa-3072': 'sha256', 'rsa-4096': 'sha256' },
};

const cas = [
  ['issuing', 'ec-p256'],
  ['ca-p384', 'ec-p384'],
  ['ca-ed25519', 'ed25519'],
] as const;
const caNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries(cas.map(([name]) => [name, `Test ${name}`])),
  ...{ 'ca-p256': 'Test P-256 CA', 'ca-rsa': 'Test RSA CA' },
};

/** A system with every example profile, the testkit's and the wider ones, and an account that may use them all. */
export async function startInputSystem(): Promise<InputSystem> {
  const system = await startSystem();
  const { admin } = system;
  const longCa = {
    ...{
      name: 'long-ca',
      ca: 'root',
      purpose: 'ca-certificate',
      backdate_seconds: 3600,
      validity_seconds: 9 * 365 * 86_400,
      keys: ['ec-p256', 'ec-p384', 'ed25519'],
    },
    ...{
      subject: { common_name: 'required' },
      key_usage: ['keyCertSign', 'cRLSign'],
      basic_constraints: { ca: true, path_length: 0 },
    },
  };
  await admin.call('POST', '/admin/v1/profiles', { document: JSON.stringify(longCa) });
  for (const [name, key_algorithm] of cas) {
    const subject_dn = { common_name: caNames[name] };
    const ca = { name, key_algorithm, subject_dn, key_group: 'default', issuer: 'root', profile: 'long-ca' };
    await admin.call('POST', '/admin/v1/cas', ca);
  }
  const profiles = new Map<string, ProfileDocument>();
  for (const { text, document } of [...exampleProfiles(), ...widerProfiles()]) {
    await admin.call('POST', '/admin/v1/profiles', { document: text });
    if (document.purpose === 'subscriber') profiles.set(document.name, document);
  }
  for (const name of Object.values(testProfiles)) {
    const applied = await admin.call<{ document: unknown }>('GET', `/admin/v1/profiles/${name}`);
    profiles.set(name, parseProfile(JSON.stringify(applied.document)));
  }
  const { api_key: apiKey } = await admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', {
    ...{ name: account, profiles: [...profiles.keys()] },
  });
  const pool = new Pool(system.frontEnds[0]?.url ?? '', {
    ...{ connections: inFlightMax, bodyTimeout: answerWithinMs, headersTimeout: answerWithinMs },
  });
  const authorization = `Bearer ${apiKey}`;

  async function call(method: 'GET' | 'POST', path: string, headers: Record<string, string>, body?: Uint8Array) {
    const answer = await pool.request({ method, path, headers: { authorization, ...headers }, body: body ?? null });
    const [status, text] = [answer.statusCode, await answer.body.text()];
    const given = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
    system.compare({ method, path, status, headers: new Headers(given), body: text });
    return { status, body: JSON.parse(text) as InputAnswer['body'] };
  }
  const wait = 'respond-async, wait=6';
  const nonces = shared(async () => String((await call('POST', '/nonce', {})).body.nonce));
  await untilAvailable(async () => (await call('GET', '/profiles', {})).body, profiles.size);
  return {
    system,
    profiles,
    async order(body, key) {
      const sentAt = Date.now();
      const headers = { 'content-type': 'application/json', prefer: wait, 'idempotency-key': key };
      let answer = await call('POST', '/identity', headers, body);
      while (answer.status === 202) answer = await call('POST', '/identity', headers, body);
      return { ...answer, sentAt, endedAt: Date.now() };
    },
    async withProof({ csr: _csr, ...order }, { key, kind, spki }) {
      const nonce = await nonces.get();
      const spkiHash = hash('sha256', spki);
      const message = ['sluice-proof-1', account, order.profile, spkiHash, nonce].join('\n');
      const signature = sign(proofDigests[kind] ?? null, Buffer.from(message), key).toString('base64');
      return { ...order, public_key: spki.toString('base64'), proof: { nonce, signature } };
    },
    async stop() {
      await pool.close();
      return system.stop();
    },
  };
}

/** A value made anew each minute, for all who ask. */
function shared<T>(make: () => Promise<T>): { get(): Promise<T> } {
  let made: { value: Promise<T>; at: number } | undefined;
  return {
    get() {
      if (made === undefined || Date.now() - made.at > 60_000) made = { value: make(), at: Date.now() };
      return made.value;
    },
  };
}

async function untilAvailable(read: () => Promise<InputAnswer['body']>, count: number): Promise<void> {
  const end = performance.now() + 30_000;
  for (;;) {
    const { profiles } = (await read()) as { profiles?: readonly { available: boolean }[] };
    if (profiles?.length === count && profiles.every(({ available }) => available)) return;
    if (performance.now() > end) throw new Error(`not available: ${JSON.stringify(profiles)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Throws when these are not the CA of that name, and so on up to the root. PEM, the issuing CA first. */
export function assertChainOf(ca: string, chain: readonly string[]): void {
  const certificates = chain.map((pem) => new X509Certificate(pem));
  const said = certificates.map(({ subject }) => subject);
  const wanted = [`CN=${caNames[ca]}`, 'CN=Test Root'];
  const isLinked = certificates.every((one, at) => {
    const issuer = certificates[at + 1] ?? one;
    return one.checkIssued(issuer) && one.verify(issuer.publicKey);
  });
  if (said.join() !== wanted.join() || !isLinked) throw new Error(`a chain of ${said.join()} for ${ca}`);
}
