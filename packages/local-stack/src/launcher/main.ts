import { SluiceError } from '@sluice/errors';
import { help, readArguments } from './arguments.js';
import { launch } from './launch.js';

const began = performance.now();
const say = (line: string) =>
  process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
const stop = new AbortController();
const force = new AbortController();

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (!stop.signal.aborted) {
      say('stopping; once more (Ctrl-C) does not wait for what is still being signed');
      stop.abort();
    } else force.abort();
  });
}

try {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted.help) process.stdout.write(help);
  else await launch(wanted, say, { stop: stop.signal, force: force.signal });
} catch (fault) {
  // Of ours, the message says it all; a stranger's stack is needed to mend it.
  const text = fault instanceof SluiceError ? fault.message : fault instanceof Error ? fault.stack : String(fault);
  process.stderr.write(`\nSluice did not start: ${text}\n`);
  process.exitCode = 1;
}
