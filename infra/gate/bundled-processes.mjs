// vitest global set-up: the services that tests start are read from one file each. Loading their 1,300 modules one by one
// is half of the CPU that a start costs, and a run has hundreds of them. `node_modules` beside it: for native modules.
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../..', import.meta.url));
const services = ['identity-api', 'issuer-registry', 'signer'];

/** Files that a module reads from beside itself stay where they are. */
const ownAddress = {
  name: 'own-address',
  transform: (code, id) =>
    code.includes('import.meta.url') && !id.includes('node_modules')
      ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
      : null,
};

/** The folder is the run's own (leaked-processes.mjs), which is deleted with everything in it. */
export default async function setUp() {
  const dir = join(tmpdir(), 'processes');
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(services.map((name) => [name, `test/dist/processes/${name}.js`])),
    platform: 'node',
    external: [/\.node$/, 'msgpackr-extract', 'pg-native'],
    plugins: [ownAddress],
    logLevel: 'warn',
  });
  try {
    await bundle.write({ dir, format: 'esm', sourcemap: true, entryFileNames: '[name].js' });
  } finally {
    await bundle.close();
  }
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  process.env.TESTKIT_PROCESSES_DIR = dir;
}
