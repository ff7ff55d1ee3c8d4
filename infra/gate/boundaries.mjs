// The boundary check of the gate: `node infra/gate/boundaries.mjs [root]`. Exits 1 on a bad import, and also when
// the checker did not see every source file: a checker that silently sees nothing would pass everything.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { cruise } from 'dependency-cruiser';

const root = resolve(process.argv[2] ?? new URL('../..', import.meta.url).pathname);
const folders = ['packages', 'services', 'test'];

function sourceFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return /\.m?ts$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [relative(root, path)] : [];
  });
}

process.chdir(root);
const { forbidden, options } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs'));
const expected = folders.filter(existsSync).flatMap((folder) => sourceFiles(join(root, folder)));
if (expected.length === 0) throw new Error(`no source files below ${root}`);
const { output } = await cruise(expected, {
  ...options,
  baseDir: root,
  validate: true,
  ruleSet: { forbidden },
});
// A file that imports something and of which no import was found was not read (TypeScript's API is missing or too new).
const importsFound = new Map(output.modules.map((module) => [module.source, module.dependencies.length]));
const importsSomething = /^(import|export)\b[^'"]*\bfrom ['"]/m;
const unseen = expected.filter(
  (file) => (importsFound.get(file) ?? -1) < (importsSomething.test(readFileSync(file, 'utf8')) ? 1 : 0),
);

for (const { rule, from, to, cycle } of output.summary.violations) {
  console.error(`${rule.name}: ${from} → ${cycle ? cycle.map((step) => step.name).join(' → ') : to}`);
}
if (unseen.length > 0) {
  console.error(`not seen by the checker: ${unseen.length} of ${expected.length} source files`);
  for (const file of unseen.slice(0, 10)) console.error(`  ${file}`);
  process.exit(1);
}
if (output.summary.violations.length > 0) process.exit(1);
console.log(`imports: ${expected.length} source files, every one within its boundary`);
