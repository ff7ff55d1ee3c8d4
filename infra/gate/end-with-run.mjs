// Beside each test run, which holds the other end of our standard input: when the run was killed, with whatever signal,
// that closes, and what it started is ended and its folder deleted. A run that ends by itself does both, and ends us.
import { existsSync, rmSync } from 'node:fs';
import { endProcessesIn } from './processes-in.mjs';

const [, , folder] = process.argv;

process.stdin.resume().on('end', async () => {
  // Again, for whatever one of them started meanwhile.
  while (existsSync(folder) && (await endProcessesIn(folder, 0)).length > 0);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});
