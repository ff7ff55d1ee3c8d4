import { setTimeout as wait } from 'node:timers/promises';
import type { AdminClient } from './admin-client.js';
import { patient } from './patient.js';

/** The names in the hierarchy that `startSystem` makes. */
export const testProfiles = { p256: 'tls-p256', rsa: 'tls-rsa', short: 'identity-10m' } as const;

const daySeconds = 86_400;

/** A profile document in YAML: JSON is YAML, and needs no writer. */
function profile(document: Record<string, unknown>): string {
  return JSON.stringify(document);
}

function caProfile(name: string, ca: string, pathLength: number, days: number): string {
  return profile({
    name,
    ca,
    purpose: 'ca-certificate',
    validity_seconds: days * daySeconds,
    backdate_seconds: 3600,
    subject: { common_name: 'required' },
    keys: ['ec-p256', 'rsa-2048'],
    key_usage: ['keyCertSign', 'cRLSign'],
    basic_constraints: { ca: true, path_length: pathLength },
  });
}

function leafProfile(name: string, ca: string, validitySeconds: number): string {
  return profile({
    name,
    ca,
    purpose: 'subscriber',
    validity_seconds: validitySeconds,
    backdate_seconds: 60,
    subject: { common_name: 'required', organization: { static: 'Test Organization' } },
    keys: ['ec-p256', 'rsa-2048'],
    key_usage: ['digitalSignature'],
    extended_key_usage: ['clientAuth'],
  });
}

const pauseMs = 100;
/** So long without any progress, and something is broken. */
const patienceMs = 60_000;

/**
 * A root, a P-256 CA, an RSA CA, three profiles and two accounts, all made through the admin API, so by the signers.
 * Returns when both CAs are active. Throws when nothing goes on for a minute.
 */
export async function makeTestHierarchy(
  operator: AdminClient,
): Promise<{ readonly apiKey: string; readonly otherApiKey: string }> {
  const admin = patient(operator);
  await admin.call('POST', '/admin/v1/cas', {
    name: 'root',
    key_group: 'default',
    key_algorithm: 'ec-p256',
    subject_dn: { common_name: 'Test Root' },
    issuer: null,
    self_profile: caProfile('root-itself', 'root', 1, 3650),
  });
  await admin.call('POST', '/admin/v1/profiles', { document: caProfile('issuing-ca', 'root', 0, 1825) });
  const issuing = { key_group: 'default', issuer: 'root', profile: 'issuing-ca' };
  await admin.call('POST', '/admin/v1/cas', {
    ...issuing,
    name: 'ca-p256',
    key_algorithm: 'ec-p256',
    subject_dn: { common_name: 'Test P-256 CA' },
  });
  await admin.call('POST', '/admin/v1/cas', {
    ...issuing,
    name: 'ca-rsa',
    key_algorithm: 'rsa-2048',
    subject_dn: { common_name: 'Test RSA CA' },
  });
  for (const document of [
    leafProfile(testProfiles.p256, 'ca-p256', 90 * daySeconds),
    leafProfile(testProfiles.rsa, 'ca-rsa', 90 * daySeconds),
    leafProfile(testProfiles.short, 'ca-p256', 600),
  ]) {
    await admin.call('POST', '/admin/v1/profiles', { document });
  }
  const keys: string[] = [];
  for (const name of ['first-account', 'second-account']) {
    const { api_key } = await admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', {
      name,
      profiles: Object.values(testProfiles),
    });
    keys.push(api_key);
  }
  await allActive(admin);
  return { apiKey: keys[0] ?? '', otherApiKey: keys[1] ?? '' };
}

/**
 * More CAs under the root, all at once, each with a profile NAME-tls. Resolves with the key of an account that may use
 * these profiles, when all CAs are active. Throws when nothing goes on for a minute.
 */
export async function makeMoreCas(
  operator: AdminClient,
  names: readonly string[],
): Promise<{ readonly apiKey: string }> {
  const admin = patient(operator);
  await Promise.all(
    names.map(async (name) => {
      await admin.call('POST', '/admin/v1/cas', {
        name,
        key_group: 'default',
        issuer: 'root',
        profile: 'issuing-ca',
        key_algorithm: 'ec-p256',
        subject_dn: { common_name: `Test ${name}` },
      });
      await admin.call('POST', '/admin/v1/profiles', { document: leafProfile(`${name}-tls`, name, 90 * daySeconds) });
    }),
  );
  const { api_key } = await admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', {
    name: `of-${names[0]}`,
    profiles: names.map((name) => `${name}-tls`),
  });
  await allActive(admin, names);
  return { apiKey: api_key };
}

/** Until every one of these is, or of all when none are named. */
async function allActive(admin: AdminClient, names?: readonly string[]): Promise<void> {
  let seen = '';
  let end = performance.now() + patienceMs;
  for (;;) {
    const { cas, epoch } = await admin.call<{ epoch: string; cas: { name: string; state: string }[] }>(
      'GET',
      '/admin/v1/cas',
    );
    const open = cas.filter(({ name, state }) => state !== 'active' && (names?.includes(name) ?? true));
    if (open.length === 0) return;
    // Every step of key work is a new epoch.
    if (epoch !== seen) end = performance.now() + patienceMs;
    seen = epoch;
    if (performance.now() > end) {
      throw new Error(
        `nothing went on for ${patienceMs} ms: ${open.map(({ name, state }) => `${name} ${state}`).join(', ')}`,
      );
    }
    await wait(pauseMs);
  }
}
