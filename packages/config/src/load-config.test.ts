import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '@sluice/errors';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listenAddress } from './listen-address.js';
import { loadConfig } from './load-config.js';
import { secretFile } from './secret-file.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, content: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function faultsOf(work: () => unknown): { key: string; fault: string }[] {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === 'config-invalid') {
      return thrown.facts.faults as { key: string; fault: string }[];
    }
    throw thrown;
  }
  throw new Error('it was accepted');
}

const schema = z.object({
  SLUICE_NAME: z.string().regex(/^[a-z0-9-]+$/, 'is not a name'),
  SLUICE_LISTEN: listenAddress().prefault('127.0.0.1:0'),
  SLUICE_DATABASE_URL_FILE: secretFile(),
  SLUICE_LEASE_MS: z.coerce.number().int().min(1000).max(60_000).default(10_000),
});

describe('loadConfig', () => {
  it('reads, trims secrets, applies defaults, and freezes', () => {
    const path = fileWith('url', 'postgres://u:p@h/d\n', 0o600);
    const config = loadConfig(schema, {
      SLUICE_NAME: 'fe-1',
      SLUICE_DATABASE_URL_FILE: path,
      SLUICE_LISTEN: '',
      PATH: '/bin',
    });
    expect(config).toEqual({
      SLUICE_NAME: 'fe-1',
      SLUICE_LISTEN: { host: '127.0.0.1', port: 0 },
      SLUICE_DATABASE_URL_FILE: 'postgres://u:p@h/d',
      SLUICE_LEASE_MS: 10_000,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reports every fault at once', () => {
    const faults = faultsOf(() =>
      loadConfig(schema, {
        SLUICE_NAME: 'Not A Name',
        SLUICE_LEASE_MS: '5',
        SLUICE_LISTEN: 'nowhere',
        SLUICE_LEASEMS: '1',
      }),
    );
    expect(faults.map(({ key }) => key).sort()).toEqual([
      'SLUICE_DATABASE_URL_FILE',
      'SLUICE_LEASEMS',
      'SLUICE_LEASE_MS',
      'SLUICE_LISTEN',
      'SLUICE_NAME',
    ]);
    expect(faults.find(({ key }) => key === 'SLUICE_DATABASE_URL_FILE')?.fault).toBe('is not set');
  });

  it.each([
    ['readable by others', 0o644, 'the secret', /group or others/],
    ['readable by the group', 0o640, 'the secret', /group or others/],
    ['empty', 0o600, ' \n', /is empty/],
  ])('refuses a secret file that is %s and does not show its content', (name, mode, content, message) => {
    const path = fileWith(name, content, mode);
    const faults = faultsOf(() => loadConfig(z.object({ SLUICE_KEY_FILE: secretFile() }), { SLUICE_KEY_FILE: path }));
    expect(faults[0]?.fault).toMatch(message);
    expect(faults[0]?.fault).toContain(path);
    expect(faults[0]?.fault).not.toContain('the secret');
  });

  it('names the path of a secret file that is missing', () => {
    const path = join(folder, 'absent');
    const faults = faultsOf(() => loadConfig(z.object({ SLUICE_KEY_FILE: secretFile() }), { SLUICE_KEY_FILE: path }));
    expect(faults[0]?.fault).toContain(path);
  });
});

describe('listenAddress', () => {
  it.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ])('%s', (text, address) => expect(listenAddress().parse(text)).toEqual(address));

  it.each(['8080', '::1:80', 'h:65536', 'h:', ':80', 'h:80x'])('refuses %s', (text) =>
    expect(listenAddress().safeParse(text).success).toBe(false),
  );
});
