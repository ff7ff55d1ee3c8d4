import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

/** What is planted, and the rule that must name it. */
const planted: readonly [rule: string, file: string, text: string][] = [
  ['one-way-errors', 'packages/errors/src/planted.ts', "export { caStates } from '@sluice/issuance';"],
  ['one-way-issuance', 'packages/issuance/src/planted.ts', "export type { KeyStore } from '@sluice/key-store';"],
  ['packages-never-import-services', 'packages/ledger/src/planted.ts', "export * from '@sluice/signer';"],
  ['services-never-import-services', 'services/signer/src/planted.ts', "export * from '@sluice/identity-api';"],
  ['services-never-import-services', 'services/signer/src/by-path.ts', "export * from '../../admin-cli/src/index.js';"],
  ['production-never-imports-tooling', 'services/signer/src/tooling.ts', "export * from '@sluice/testkit';"],
  ['domain-has-no-io', 'packages/pki/src/planted.ts', "export { readFileSync } from 'node:fs';"],
  ['domain-has-no-io', 'packages/issuance/src/driver.ts', "export { Pool } from 'pg';"],
  [
    'no-cycles',
    'packages/errors/src/cycle.ts',
    "import { b } from './cycle.js';\nexport const a = () => b;\nexport const b = 1;",
  ],
  ['only-the-door', 'packages/queue/src/planted.ts', "export * from '../../errors/src/index.js';"],
  ['resolvable', 'packages/errors/src/nothing.ts', "export * from './nowhere.js';"],
];

let copy: string;
let said: string;
let passed: boolean;

/** One check over a copy of the tree whose `@sluice/*` links lead into the copy, with everything planted in it. */
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'sluice-gate-'));
  for (const folder of ['packages', 'services']) cpSync(join(root, folder), join(copy, folder), { recursive: true });
  cpSync(join(root, '.dependency-cruiser.cjs'), join(copy, '.dependency-cruiser.cjs'));
  mkdirSync(join(copy, 'node_modules/@sluice'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '@sluice' || name.startsWith('.')) continue;
    symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name));
  }
  for (const folder of ['packages', 'services']) {
    for (const name of readdirSync(join(copy, folder))) {
      symlinkSync(join(copy, folder, name), join(copy, 'node_modules/@sluice', name));
    }
  }
  for (const [, file, text] of planted) writeFileSync(join(copy, file), text);
  ({ said, passed } = await check(copy));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

async function check(tree: string): Promise<{ passed: boolean; said: string }> {
  return promisify(execFile)(process.execPath, [join(root, 'infra/gate/boundaries.mjs'), tree]).then(
    ({ stdout }) => ({ passed: true, said: stdout }),
    (error: { stderr: string }) => ({ passed: false, said: error.stderr }),
  );
}

it('fails a tree with bad imports in it', () => {
  expect(passed).toBe(false);
});

it.each(planted)('%s names %s', (rule, file) => {
  expect(said).toContain(`${rule}: ${file} → `);
});

it('fails when there is nothing to see', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'sluice-gate-empty-'));
  cpSync(join(root, '.dependency-cruiser.cjs'), join(empty, '.dependency-cruiser.cjs'));
  try {
    expect((await check(empty)).passed).toBe(false);
  } finally {
    rmSync(empty, { recursive: true });
  }
});
