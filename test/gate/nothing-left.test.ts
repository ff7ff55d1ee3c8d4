import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSystem } from '@sluice/testkit';
import { expect, it } from 'vitest';

/** A whole system starts, on a machine where others are busy too. */
const timeout = 180_000;

/** The processes whose arguments or environment name that folder. */
function runningIn(folder: string): string[] {
  const textOf = (pid: string, name: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'utf8');
    } catch {
      return ''; // gone meanwhile
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && ['cmdline', 'environ'].some((name) => textOf(pid, name).includes(folder)))
    .map((pid) => `${pid} ${textOf(pid, 'cmdline').replaceAll('\0', ' ')}`);
}

it.skipIf(!existsSync('/proc/self'))('a system whose start fails leaves nothing running', { timeout }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'failing-'));
  const env = { signer: { SLUICE_LISTEN: 'nowhere' } };
  await expect(startSystem({ dir, env, postgres: 'own', wires: true })).rejects.toThrow('signer-1');
  expect(runningIn(dir)).toEqual([]);
  rmSync(dir, { recursive: true });
});

it.skipIf(!existsSync('/proc/self'))(
  'a run that is killed leaves nothing running, and no folder',
  { timeout },
  async () => {
    const run = `
    const { default: setUp } = await import(process.argv[1]);
    setUp();
    const { startSystem } = await import('@sluice/testkit');
    await startSystem();
    console.log(process.env.TMPDIR);
  `;
    const setUp = new URL('../../infra/gate/leaked-processes.mjs', import.meta.url).href;
    const child = spawn(process.execPath, ['--input-type=module', '-e', run, setUp], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const folder = String(line).trim();
    // PostgreSQL, Redis, a registry, a signer and a front end; and who watches.
    expect(runningIn(folder).length).toBeGreaterThan(5);
    child.kill('SIGKILL');
    await expect.poll(() => runningIn(folder), { timeout: 20_000 }).toEqual([]);
    await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
  },
);
