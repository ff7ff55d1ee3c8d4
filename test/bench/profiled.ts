import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

// Loaded into a service by --import: SIGUSR2 begins a CPU profile, SIGUSR2 again writes it and ends it.
const { BENCH_PROFILE_DIR = '.', SLUICE_NAME = 'service' } = process.env;
const session = new Session();
let running = false;
let last = Promise.resolve();

async function toggle(): Promise<void> {
  if (!running) {
    running = true;
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 500 });
    await session.post('Profiler.start');
    return;
  }
  running = false;
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  writeFileSync(join(BENCH_PROFILE_DIR, `${SLUICE_NAME}.cpuprofile`), JSON.stringify(profile));
}

process.on('SIGUSR2', () => {
  last = last.then(toggle);
});
