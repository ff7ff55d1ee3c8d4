import { asSluiceError } from '@sluice/errors';
import { runParts } from '@sluice/lifecycle';
import { readConfig } from './config.js';
import { createContext } from './context.js';

const drainMs = 10_000;

try {
  const { log, parts } = createContext(readConfig());
  await runParts(parts, { log, drainMs });
} catch (thrown) {
  const { code, message } = asSluiceError(thrown);
  process.stderr.write(`issuer-registry did not start: ${message} (${code})\n`);
  process.exitCode = 1;
}
