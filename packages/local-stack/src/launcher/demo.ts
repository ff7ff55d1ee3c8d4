import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '@sluice/errors';
import {
  accountListSchema,
  applyProfileAnswerSchema,
  type CreateCaBody,
  caListSchema,
  createAccountAnswerSchema,
  createCaAnswerSchema,
  profileListSchema,
} from '@sluice/registry-protocol';
import { readIfThere, writeSecretFile } from '../secret-file.js';
import type { AdminCall } from './admin-call.js';
import { writeDemoRequest } from './demo-request.js';
import { type LocalFolder, projectFolder } from './local-folder.js';

export interface Demo {
  readonly account: string;
  readonly apiKey: string;
  /** A request to post, with a CSR by a key of the demo's own beside it. */
  readonly requestFile: string;
}

const documents = join(projectFolder, 'infra', 'demo');
const profiles = ['tls-client', 'document-signing', 'identity-10m'] as const;
const certifyWaitMs = 60_000;
const knownWaitMs = 30_000;
/** A UUIDv7 of the year 1970. */
const nobodysRequest = '00000000-0000-7000-8000-000000000000';

/**
 * A root, two issuing CAs, three profiles and an account, over the admin API like any operator would. What is there
 * already is left as it is, whatever has become of it: an operator may have changed it.
 */
export async function makeDemo(
  call: AdminCall,
  folder: LocalFolder,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<Demo> {
  const subject = (common_name: string) => ({ country: 'CH', organization: 'Sluice Demo', common_name });
  const ca = (name: string, key_algorithm: CreateCaBody['key_algorithm'], common_name: string) => ({
    name,
    key_group: 'default',
    key_algorithm,
    subject_dn: subject(common_name),
  });
  const make = (wanted: readonly CreateCaBody[]) => makeCas(call, say, stop, wanted);
  await make([{ ...ca('demo-root', 'ec-p256', 'Demo Root'), issuer: null, self_profile: document('root.yaml') }]);
  await applyMissing(call, say, [{ name: 'demo-issuing-ca', document: document('issuing-ca.yaml') }]);
  await make([
    { ...ca('demo-p256', 'ec-p256', 'Demo P-256 Issuing'), issuer: 'demo-root', profile: 'demo-issuing-ca' },
    { ...ca('demo-rsa', 'rsa-2048', 'Demo RSA Issuing'), issuer: 'demo-root', profile: 'demo-issuing-ca' },
  ]);
  await applyMissing(
    call,
    say,
    profiles.map((name) => ({ name, document: document(`profiles/${name}.yaml`) })),
  );
  const account = await makeAccount(call, folder, say);
  for (const profile of profiles) writeDemoRequest(folder.demo, profile);
  return { ...account, requestFile: join(folder.demo, 'request.json') };
}

function document(name: string): string {
  return readFileSync(join(documents, name), 'utf8');
}

/** Creates the CAs that are missing and waits while any of them is still being made by the signer. */
async function makeCas(
  call: AdminCall,
  say: (line: string) => void,
  stop: AbortSignal,
  wanted: readonly CreateCaBody[],
): Promise<void> {
  const list = () => call('GET', '/admin/v1/cas', caListSchema);
  const there = (await list()).cas.map((one) => one.name);
  for (const ca of wanted.filter(({ name }) => !there.includes(name))) {
    say(`demo: ${ca.name}: the signer makes its key and certificate`);
    await call('POST', '/admin/v1/cas', createCaAnswerSchema, ca);
  }
  const end = performance.now() + certifyWaitMs;
  for (;;) {
    const pending = (await list()).cas.filter(
      ({ name, state }) => state === 'pending' && wanted.some((ca) => ca.name === name),
    );
    if (pending.length === 0) return;
    stop.throwIfAborted();
    if (performance.now() > end) {
      const names = pending.map(({ name }) => name).join(', ');
      throw new SluiceError(
        'unavailable',
        `still being made after ${certifyWaitMs / 1000} s: ${names}; see the signer's log`,
      );
    }
    await sleep(100);
  }
}

async function applyMissing(
  call: AdminCall,
  say: (line: string) => void,
  wanted: readonly { name: string; document: string }[],
): Promise<void> {
  const there = (await call('GET', '/admin/v1/profiles', profileListSchema)).profiles.map((one) => one.name);
  for (const profile of wanted.filter(({ name }) => !there.includes(name))) {
    say(`demo: profile ${profile.name}`);
    await call('POST', '/admin/v1/profiles', applyProfileAnswerSchema, { document: profile.document });
  }
}

/** The account whose key is kept; a new one when there is none, or when a crash lost the key of the one before. */
async function makeAccount(
  call: AdminCall,
  folder: LocalFolder,
  say: (line: string) => void,
): Promise<{ account: string; apiKey: string }> {
  const there = (await call('GET', '/admin/v1/accounts', accountListSchema)).accounts.map((one) => one.name);
  const file = join(folder.demo, 'account.json');
  const kept = readIfThere(file);
  if (kept !== undefined) {
    const { account, apiKey } = JSON.parse(kept) as { account: string; apiKey: string };
    if (there.includes(account)) return { account, apiKey };
  }
  let name = 'demo';
  for (let number = 2; there.includes(name); number++) name = `demo-${number}`;
  say(`demo: account ${name}`);
  const made = await call('POST', '/admin/v1/accounts', createAccountAnswerSchema, { name, profiles: [...profiles] });
  if (made.api_key === null) throw new SluiceError('internal', 'the registry made an account without a key');
  // A crash before this line leaves an account whose key nobody knows; the next start makes another.
  writeSecretFile(file, `${JSON.stringify({ account: name, apiKey: made.api_key })}\n`);
  return { account: name, apiKey: made.api_key };
}

/**
 * Waits until each front end knows the account: they read the registry once a second, and the line we print must work
 * at once. Asks for a request that does not exist: 401 until the key is known, then 404.
 */
export async function waitUntilKnown(demo: Demo, frontEnds: readonly string[], stop: AbortSignal): Promise<void> {
  const end = performance.now() + knownWaitMs;
  for (const address of frontEnds) {
    for (;;) {
      const answer = await fetch(`http://${address}/identity/${nobodysRequest}`, {
        headers: { authorization: `Bearer ${demo.apiKey}` },
        signal: AbortSignal.timeout(5000),
      });
      await answer.arrayBuffer();
      if (answer.status === 404) break;
      stop.throwIfAborted();
      if (performance.now() > end) {
        throw new SluiceError(
          'unavailable',
          `the front end at ${address} does not know the demo account (${answer.status})`,
        );
      }
      await sleep(100);
    }
  }
}
