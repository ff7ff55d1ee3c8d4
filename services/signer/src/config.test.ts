import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from './config.js';

const dir = mkdtempSync(join(tmpdir(), 'signer-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

function secret(name: string): string {
  const path = join(dir, name);
  writeFileSync(path, `${name}-content\n`, { mode: 0o600 });
  return path;
}

const env = {
  SLUICE_NAME: 'signer-1',
  SLUICE_DATABASE_URL_FILE: secret('database'),
  SLUICE_REDIS_URL_FILE: secret('redis'),
  SLUICE_REGISTRY_URL: 'http://127.0.0.1:4300',
  SLUICE_SERVICE_KEY_FILE: secret('key'),
  SLUICE_SNAPSHOT_FILE: join(dir, 'snapshot.json'),
  SLUICE_KEY_STORE_DIR: dir,
  SLUICE_KEY_PASSPHRASE_FILE: secret('passphrase'),
};

describe('the configuration', () => {
  it('has defaults for what may be left out, and secrets by their content', () => {
    expect(readConfig(env)).toMatchObject({
      listen: { host: '127.0.0.1', port: 0 },
      keyPassphrase: 'passphrase-content',
      keyGroup: 'default',
      token: 'file',
      leaseMs: 10_000,
      logLevel: 'info',
    });
  });

  it('names every fault at once', () => {
    const wrong = { ...env, SLUICE_LEASE_MS: '500', SLUICE_KEY_GROUP: 'A b', SLUICE_NAME: '', SLUICE_LEASE: '1' };
    expect(() => readConfig(wrong)).toThrow(/SLUICE_LEASE .*SLUICE_NAME .*SLUICE_KEY_GROUP .*SLUICE_LEASE_MS /);
  });
});
