import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Is there an OpenSSL on PATH? Without one the outside proofs are skipped, and the run says so. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('SKIPPED: no openssl on PATH; certificates are not proved by an outside verifier');

/** Runs openssl over files given by name and content; their names stand in `args` as `{name}`. Gives what it prints. */
export function openssl(args: readonly string[], files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-pki-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
    const paths = args.map((arg) => arg.replace(/^\{(.+)\}$/, (_, name: string) => join(dir, name)));
    return execFileSync('openssl', paths, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } finally {
    rmSync(dir, { recursive: true });
  }
}
