import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandLine, killServer, signal } from '../server-process.js';
import { projectFolder } from './local-folder.js';

const run = promisify(execFile);
const entry = join(projectFolder, 'packages', 'local-stack', 'dist', 'launcher', 'main.js');
let dir: string;
let launcher: ChildProcess | undefined;

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-launcher-')));
});
afterEach(async () => {
  await killEverything();
  rmSync(dir, { recursive: true, force: true });
});

interface Started {
  /** The line to paste. */
  readonly curl: string;
  readonly output: readonly string[];
}

/** Starts it and waits for the line to paste. */
async function start(): Promise<Started> {
  const child = spawn(process.execPath, [entry, '--dir', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
  launcher = child;
  const output: string[] = [];
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        if (line.startsWith('  curl ')) resolve({ curl: line, output });
      });
    }
    child.once('exit', () => reject(new Error(`it did not start:\n${output.join('\n')}`)));
  });
}

/** As when the machine loses power: the launcher, each service, each server. */
async function killEverything(): Promise<void> {
  if (launcher?.exitCode === null && launcher.signalCode === null) {
    const gone = once(launcher, 'exit');
    launcher.kill('SIGKILL');
    await gone;
  }
  for (const file of readdirSync(join(dir, 'run')).filter((name) => name.endsWith('.pid'))) {
    const [pid, main] = readFileSync(join(dir, 'run', file), 'utf8').split('\n');
    if (main && commandLine(Number(pid)).includes(main)) signal(Number(pid), 'SIGKILL');
  }
  for (const server of ['postgres/data', 'redis-queue', 'redis-cache']) await killServer(join(dir, server));
}

async function paste(curl: string): Promise<{ id: string; signing_cert: string }> {
  const { stdout } = await run('sh', ['-c', curl], { cwd: tmpdir() });
  return JSON.parse(stdout) as { id: string; signing_cert: string };
}

const twoStartsMs = 150_000;

test('npm start: the line works as pasted, also after kill -9 of everything; Ctrl-C stops it all', {
  timeout: twoStartsMs,
}, async () => {
  const first = await start();
  const certificate = new X509Certificate((await paste(first.curl)).signing_cert);
  expect(certificate.subject).toBe('CN=demo client');
  expect(certificate.issuer).toContain('CN=Demo P-256 Issuing');
  expect(statSync(join(dir, 'demo', 'account.json')).mode & 0o777).toBe(0o600);

  await killEverything();
  const second = await start();
  expect(second.curl).toBe(first.curl);
  expect(second.output.filter((line) => line.includes('demo:'))).toEqual([]); // nothing is made twice
  expect(new X509Certificate((await paste(second.curl)).signing_cert).issuer).toBe(certificate.issuer);

  const ended = once(launcher as ChildProcess, 'exit');
  launcher?.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  expect(readdirSync(join(dir, 'run'))).toEqual([]);
  await expect(paste(second.curl)).rejects.toThrow(/refused|connect/i);
});
