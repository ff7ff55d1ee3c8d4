import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './config.js';
import { type CommandRig, startCommandRig } from './testing/command-rig.js';

let rig: CommandRig;
beforeEach(async () => {
  rig = await startCommandRig();
});
afterEach(() => rig.end());

describe('configuration', () => {
  let projectPath: string;
  beforeEach(() => {
    projectPath = join(rig.dir, 'sluice.json');
    const left = { registry_url: 'http://127.0.0.1:4300', operator: 'bob', key_file: 'alice.pem' };
    writeFileSync(projectPath, JSON.stringify(left));
    writeFileSync(join(rig.dir, 'open.pem'), 'x');
    chmodSync(join(rig.dir, 'open.pem'), 0o644);
    writeFileSync(join(rig.dir, 'nonsense.pem'), 'x', { mode: 0o600 });
  });

  it('goes by option, environment, project file', () => {
    const fromFile = readConfig({}, {}, projectPath);
    expect([fromFile.registryUrl, fromFile.operator]).toEqual(['http://127.0.0.1:4300', 'bob']);
    const env = { SLUICE_OPERATOR: 'carol', SLUICE_REGISTRY_URL: 'https://registry.example/' };
    expect(readConfig({}, env, projectPath)).toMatchObject({
      operator: 'carol',
      registryUrl: 'https://registry.example',
    });
    expect(readConfig({ operator: 'dave' }, env, projectPath).operator).toBe('dave');
  });

  it.each([
    ['a key that others may read', 'open.pem', 'chmod 600'],
    ['a key that is none', 'nonsense.pem', 'no private key'],
    ['a key that is not there', 'absent.pem', 'absent.pem'],
  ])('refuses %s', (_, file, text) => {
    expect(() => readConfig({ key: join(rig.dir, file) }, {}, projectPath)).toThrow(text);
  });

  it('refuses an address that is none, and says what to give when nothing is known', () => {
    expect(() => readConfig({ registry: 'localhost:4300' }, {}, projectPath)).toThrow('not an address');
    const nothing = (): unknown => readConfig({}, {}, join(rig.dir, 'absent.json'));
    expect(nothing).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });
});
