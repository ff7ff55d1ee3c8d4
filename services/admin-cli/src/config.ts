import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig, secretFile } from '@sluice/config';
import { SluiceError } from '@sluice/errors';
import { z } from 'zod';

const environmentSchema = z.object({
  /** http://127.0.0.1:4300 */
  SLUICE_REGISTRY_URL: z.string().optional(),
  /** Name under which this operator's key is registered. */
  SLUICE_OPERATOR: z.string().optional(),
  /** File with the operator's Ed25519 key, PKCS#8 PEM, mode 0600. */
  SLUICE_OPERATOR_KEY_FILE: z.string().optional(),
});

const projectFileSchema = z.object({ registry_url: z.string(), operator: z.string(), key_file: z.string() });

/** What `npm start` leaves for this command, in the project it belongs to: never looked for where somebody else may write. */
const projectFile = fileURLToPath(new URL('../../../.local/sluice.json', import.meta.url));

/** Given on the command line; goes before environment and project file. */
export interface ConfigOptions {
  readonly registry?: string | undefined;
  readonly operator?: string | undefined;
  readonly key?: string | undefined;
}

export interface Config {
  readonly registryUrl: string;
  readonly operator: string;
  readonly privateKey: KeyObject;
}

interface ProjectFile {
  readonly registryUrl?: string;
  readonly operator?: string;
  readonly keyFile?: string;
}

function readProjectFile(path: string): ProjectFile {
  if (!existsSync(path)) return {};
  try {
    const { registry_url, operator, key_file } = projectFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return { registryUrl: registry_url, operator, keyFile: resolve(dirname(path), key_file) };
  } catch (cause) {
    throw new SluiceError('config-invalid', `${path} cannot be read; start the services again to renew it`, { cause });
  }
}

function required(value: string | undefined, what: string, option: string, key: string): string {
  if (value !== undefined) return value;
  throw new SluiceError('config-invalid', `It is not known ${what}`, {
    facts: { what_to_do: `Give ${option} or ${key}; npm start in the project sets it for its own services.` },
  });
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin;
  throw new SluiceError('config-invalid', `${text} is not an address of a registry`, {
    facts: { what_to_do: 'Give one like http://127.0.0.1:4300.' },
  });
}

function readKey(path: string): KeyObject {
  const secret = secretFile().safeParse(path);
  const fault = secret.error?.issues[0]?.message;
  if (secret.data === undefined) throw new SluiceError('config-invalid', `The operator's key: ${fault}`);
  try {
    const key = createPrivateKey(secret.data);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw new SluiceError('config-invalid', `The operator's key: ${path} holds no private key in PEM`, { cause });
  }
  throw new SluiceError('config-invalid', `The operator's key: ${path} holds no Ed25519 key`);
}

/** Where the registry is and who calls. Throws `config-invalid`, saying what to give. */
export function readConfig(
  options: ConfigOptions,
  env: NodeJS.ProcessEnv = process.env,
  projectPath: string = projectFile,
): Config {
  const environment = loadConfig(environmentSchema, env);
  const project = readProjectFile(projectPath);
  const registryUrl = options.registry ?? environment.SLUICE_REGISTRY_URL ?? project.registryUrl;
  const operator = options.operator ?? environment.SLUICE_OPERATOR ?? project.operator;
  const keyFile = options.key ?? environment.SLUICE_OPERATOR_KEY_FILE ?? project.keyFile;
  return {
    registryUrl: readUrl(required(registryUrl, 'where the registry is', '--registry', 'SLUICE_REGISTRY_URL')),
    operator: required(operator, 'who you are', '--operator', 'SLUICE_OPERATOR'),
    privateKey: readKey(required(keyFile, 'where your key is', '--key', 'SLUICE_OPERATOR_KEY_FILE')),
  };
}
