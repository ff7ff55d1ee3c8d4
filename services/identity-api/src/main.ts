import { asSluiceError } from '@sluice/errors';
import { runParts } from '@sluice/lifecycle';
import { readConfig } from './config.js';
import { createContext } from './context.js';

/** The longest wait of a client (6 s), and time to let go of the rest. */
const drainMs = 10_000;

try {
  const { log, parts } = createContext(readConfig());
  await runParts(parts, { log, drainMs });
} catch (thrown) {
  const { code, message } = asSluiceError(thrown);
  process.stderr.write(`identity-api did not start: ${message} (${code})\n`);
  process.exitCode = 1;
}
