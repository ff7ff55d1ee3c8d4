import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('sets the wall clock off for a whole process, and nothing else', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'clock-')), 'offset');
  writeFileSync(file, '3600000');
  const module = new URL('../dist/shift-clock.js', import.meta.url).href;
  const script = `
    const { shiftClock } = await import(${JSON.stringify(module)});
    const [before, monotonic] = [Date.now(), performance.now()];
    shiftClock(${JSON.stringify(file)});
    console.log(JSON.stringify({
      now: Date.now() - before, made: new Date().getTime() - before, text: Date.parse(Date()) - before,
      given: new Date(0).toISOString(), utc: Date.UTC(1970, 0, 2), is: new Date() instanceof Date, monotonic: performance.now() - monotonic }));`;
  const said = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
  expect(said).toMatchObject({ given: '1970-01-01T00:00:00.000Z', utc: 86_400_000, is: true });
  for (const offMs of [said.now, said.made, said.text]) expect(Math.abs(offMs - 3_600_000)).toBeLessThan(60_000);
  expect(said.monotonic).toBeLessThan(60_000);
});
