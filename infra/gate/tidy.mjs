// House rules no other tool knows: `node infra/gate/tidy.mjs`. Each rule is a function from the tracked files to faults.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';

process.chdir(new URL('../..', import.meta.url).pathname);
const linesMax = 400;

/** Tracked files and those about to be added, as they stand in the working tree. */
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  .toString()
  .split('\0')
  .filter((path) => path && existsSync(path) && /\.(m?[tj]s|cjs|json|ya?ml|sql|md|sh)$|^\.ci\//.test(path))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

const isTest = (path) => /\.(test|soak)\.ts$/.test(path) || path.startsWith('test/');

/** The one file of each part that may look at the environment. Packages take what they need as arguments. */
const environmentFiles = [
  /^services\/[^/]+\/src\/config\.ts$/,
  /^packages\/(local-stack|testkit)\/src\/environment\.ts$/,
  /^infra\//,
];

function environmentInOneFile() {
  return files
    .filter(({ path }) => /\.m?ts$/.test(path) && !isTest(path))
    .filter(
      ({ path, text }) => /\bprocess\.env\b/.test(text) && !environmentFiles.some((allowed) => allowed.test(path)),
    )
    .map(({ path }) => `${path}: reads process.env; that belongs in config.ts (services) or environment.ts (tooling)`);
}

function noPathOfThisMachine() {
  // In two pieces, so that this file does not find itself.
  const places = [`/${'work'}/`, `/${'home'}/`, `/${'Users'}/`, homedir() === '/' ? undefined : `${homedir()}/`];
  return files.flatMap(({ path, text }) =>
    places
      .filter((place) => place !== undefined && new RegExp(`(^|[\\s"'\`=(:])${place}\\w`, 'm').test(text))
      .map((place) => `${path}: names a place of one machine (${place})`),
  );
}

function noAddressesInLockFile() {
  const lock = readFileSync('package-lock.json', 'utf8');
  const found = lock.match(/"resolved": "[a-z+]+:[^"]*"/g) ?? [];
  return found.length === 0
    ? []
    : [`package-lock.json: ${found.length} download addresses (npm install with .npmrc in force)`];
}

/** npm takes another version than the one written when it is a range. */
function exactVersions() {
  return files
    .filter(({ path }) => path.endsWith('package.json'))
    .flatMap(({ path, text }) => {
      const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text);
      return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(
          ([name, version]) => !name.startsWith('@sluice/') && !/^(npm:[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
        )
        .map(([name, version]) => `${path}: ${name} is ${version}; write the exact version`);
    });
}

function longFiles() {
  return files
    .filter(({ path }) => /\.(m?[tj]s|sql)$/.test(path))
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > linesMax);
}

const faults = [...environmentInOneFile(), ...noPathOfThisMachine(), ...noAddressesInLockFile(), ...exactVersions()];
for (const { path, lines } of longFiles()) console.log(`long: ${path} has ${lines} lines (aim: ${linesMax})`);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log(`tidy: ${files.length} files`);
