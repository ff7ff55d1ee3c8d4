#!/usr/bin/env node
// Committed as plain JavaScript, so that `npm ci` can link it before anything is built.
try {
  await import('../dist/main.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write(`sluice is not built: run npm run build (${error.message})\n`);
  process.exitCode = 1;
}
