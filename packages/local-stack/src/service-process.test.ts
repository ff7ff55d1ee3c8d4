import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { spawnService } from './service-process.js';

let dir: string;
let entry: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-service-'));
  entry = join(dir, 'main.mjs');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const service = `
  process.on('SIGTERM', () => { console.log('draining'); process.exit(0); });
  console.log('warming up ' + process.env.SLUICE_NAME);
  console.log(JSON.stringify({ event: 'listening', listening: '127.0.0.1:4242' }));
  setInterval(() => undefined, 1000);`;

test('tells the address and the lines; SIGTERM drains', async () => {
  writeFileSync(entry, service);
  const lines: string[] = [];
  const child = await spawnService({ entry, env: { SLUICE_NAME: 'one' }, onLine: (line) => lines.push(line) });
  expect(child.address).toBe('127.0.0.1:4242');
  expect(child.name).toBe('one');
  expect(await child.terminate()).toEqual({ code: 0, signal: null });
  expect(lines[0]).toBe('warming up one');
});

test('writes a log file without passing through us; a frozen one can be terminated', async () => {
  writeFileSync(entry, service);
  const logFile = join(dir, 'logs', 'two.log');
  const child = await spawnService({ entry, env: { SLUICE_NAME: 'two' }, logFile });
  child.freeze();
  expect(await child.terminate()).toEqual({ code: 0, signal: null });
  expect(readFileSync(logFile, 'utf8')).toMatch(/warming up two[\s\S]*draining/);
});

test('kill9 ends it without a word', async () => {
  writeFileSync(entry, service);
  const child = await spawnService({ entry, env: { SLUICE_NAME: 'three' }, onLine: () => undefined });
  expect(await child.kill9()).toEqual({ code: null, signal: 'SIGKILL' });
});

test('one that ends before it listens is an error with its last words', async () => {
  writeFileSync(entry, `console.error('no such passphrase file'); process.exit(1);`);
  await expect(spawnService({ entry, env: {}, logFile: join(dir, 'log') })).rejects.toThrow(/no such passphrase file/);
  await expect(spawnService({ entry, env: {} })).rejects.toThrow(/no such passphrase file/);
});

test('one that never listens is killed', async () => {
  writeFileSync(entry, 'setInterval(() => undefined, 1000);');
  await expect(spawnService({ entry, env: {}, startWaitMs: 300 })).rejects.toThrow(/did not listen in time/);
});
