import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { armKill, disarm } from './kill-point.js';

const compiled = new URL('../dist/kill-point.js', import.meta.url).href;

async function passes(file: string): Promise<{ signal: string | null; passed: number }> {
  const program = `
    const { killAt } = await import(${JSON.stringify(compiled)});
    const checkpoint = killAt({ file: ${JSON.stringify(file)} });
    for (let turn = 1; turn <= 5; turn += 1) { checkpoint('elsewhere'); checkpoint('here'); process.stdout.write('.'); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let passed = 0;
  child.stdout.on('data', (chunk) => {
    passed += String(chunk).length;
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { signal, passed };
}

it('kills its own process at the nth passing, once', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'kill-')), 'order');
  expect(await passes(file)).toEqual({ signal: null, passed: 5 });
  armKill(file, 'here', 3);
  expect(await passes(file)).toEqual({ signal: 'SIGKILL', passed: 2 });
  expect(existsSync(file)).toBe(false);
  expect(await passes(file)).toEqual({ signal: null, passed: 5 });
  armKill(file, 'here', 9);
  await passes(file);
  expect(disarm(file)).toBe(true);
});
