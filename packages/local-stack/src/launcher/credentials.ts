import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import {
  enrolOperator,
  enrolServiceKey,
  migrate,
  roleName,
  type ServiceName,
  serviceNames,
  setUpRoles,
} from '@sluice/ledger';
import { keptSecret, writeSecretFile } from '../secret-file.js';
import type { LocalFolder } from './local-folder.js';

export const operatorNames = ['operator-1', 'operator-2'] as const;

/**
 * Brings the database to the newest schema, gives each service's role its password and its own URL file, and enrols
 * both operators. Every step may be repeated: a crash in between is repaired by the next start.
 * `adminUrl` leads to the database that holds the ledger.
 */
export async function prepareDatabase(folder: LocalFolder, adminUrl: string): Promise<void> {
  await migrate(adminUrl);
  const passwords = Object.fromEntries(
    serviceNames.map((service) => [service, keptSecret(join(folder.secrets, `${service}.password`))]),
  ) as Record<ServiceName, string>;
  await setUpRoles(adminUrl, passwords);
  for (const service of serviceNames) {
    const url = new URL(adminUrl);
    url.username = roleName(url.pathname.slice(1), service);
    url.password = passwords[service];
    writeSecretFile(databaseUrlFile(folder, service), `${url.href}\n`);
  }
  for (const name of operatorNames) {
    await enrolOperator(adminUrl, { name, publicKey: publicKeyOf(operatorKey(folder, name)) });
  }
}

export function databaseUrlFile(folder: LocalFolder, service: ServiceName): string {
  return join(folder.secrets, `${service}.database-url`);
}

export function operatorKeyFile(folder: LocalFolder, name: (typeof operatorNames)[number]): string {
  return join(folder.operators, `${name}.pem`);
}

/** The operator's Ed25519 key, made the first time. */
export function operatorKey(folder: LocalFolder, name: (typeof operatorNames)[number]): KeyObject {
  return createPrivateKey(keptSecret(operatorKeyFile(folder, name), newEd25519Pem));
}

/** The file with the key by which the process `name` shows itself to the registry; made and enrolled the first time. */
export async function serviceKeyFile(
  folder: LocalFolder,
  adminUrl: string,
  name: string,
  service: ServiceName,
): Promise<string> {
  const file = join(folder.serviceKeys, `${name}.pem`);
  const key = createPrivateKey(keptSecret(file, newEd25519Pem));
  await enrolServiceKey(adminUrl, { name, service, publicKey: publicKeyOf(key) });
  return file;
}

function newEd25519Pem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function publicKeyOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}
