import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive, signal } from '../server-process.js';
import { type LocalFolder, openLocalFolder } from './local-folder.js';
import { createSupervisor, type ServiceSpec, type Supervisor, stopLeftovers } from './supervisor.js';

let folder: LocalFolder;
let supervisor: Supervisor;
let said: (line: string) => void = () => undefined;
const stop = new AbortController();

beforeEach(() => {
  folder = openLocalFolder(mkdtempSync(join(tmpdir(), 'sluice-supervisor-')));
  supervisor = createSupervisor(folder, (line) => said(line), stop.signal);
});
afterEach(async () => {
  await supervisor.stop(5000);
  rmSync(folder.path, { recursive: true, force: true });
});

/** Not ready at the first question; says when it drains. */
function service(name: string): ServiceSpec {
  const entry = join(folder.path, `${name}.mjs`);
  writeFileSync(
    entry,
    `import { createServer } from 'node:http';
     import { appendFileSync } from 'node:fs';
     let asked = 0;
     const server = createServer((req, res) => { res.statusCode = asked++ === 0 ? 503 : 200; res.end('waiting'); });
     server.listen(0, '127.0.0.1', () => {
       console.log(JSON.stringify({ event: 'listening', listening: '127.0.0.1:' + server.address().port }));
     });
     process.on('SIGTERM', () => { appendFileSync(${JSON.stringify(join(folder.path, 'drained'))}, '${name} '); process.exit(0); });`,
  );
  return { name, entry, env: { SLUICE_NAME: name } };
}

function pidOf(name: string): number {
  return Number(readFileSync(join(folder.run, `${name}.pid`), 'utf8').split('\n')[0]);
}

/** The next thing said that matches. */
function hears(what: RegExp): Promise<string> {
  return new Promise((resolve) => {
    said = (line) => {
      if (what.test(line)) resolve(line);
    };
  });
}

test('one that dies is said to have died and runs again', async () => {
  const address = await supervisor.start(service('one'));
  expect((await fetch(`http://${address}/readyz`)).ok).toBe(true);
  const died = hears(/one ended \(SIGKILL\)/);
  const first = pidOf('one');
  signal(first, 'SIGKILL');
  await died;
  await hears(/one runs again/);
  expect(pidOf('one')).not.toBe(first);
});

test('stops the last one first, and starts nothing again', async () => {
  for (const name of ['one', 'two', 'three']) await supervisor.start(service(name));
  await supervisor.stop(5000);
  expect(readFileSync(join(folder.path, 'drained'), 'utf8')).toBe('three two one ');
  expect(readdirSync(folder.run)).toEqual([]);
});

test('the next launcher stops what a killed one left, and no stranger that has the number by now', async () => {
  await supervisor.start(service('left'));
  const pid = pidOf('left');
  writeFileSync(join(folder.run, 'stranger.pid'), `${process.pid}\n/some/other/main.js\n`);
  const next = stopLeftovers(folder, 5000);
  stop.abort(); // our own supervisor must not start it again
  expect(await next).toEqual(['left']);
  expect(isAlive(pid)).toBe(false);
  expect(readdirSync(folder.run)).toEqual([]);
});
