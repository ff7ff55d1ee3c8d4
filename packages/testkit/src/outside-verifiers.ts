import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchDebianTool, type Tool } from '@sluice/local-stack';

const run = promisify(execFile);

/** What somebody else's software said of a certificate. */
export interface Verdict {
  readonly valid: boolean;
  /** Its own words. */
  readonly said: string;
}

/** Both take PEM: the certificate, then its chain from its issuer to the root, which is trusted. */
export async function verifyWithOpenssl(certificatePem: string, chainPems: readonly string[]): Promise<Verdict> {
  const root = chainPems.at(-1) ?? '';
  return inFolder({ certificate: certificatePem, root, intermediates: chainPems.slice(0, -1).join('\n') }, (path) =>
    verdictOf(fetchDebianTool(['openssl'], 'openssl'), [
      'verify',
      '-x509_strict',
      '-check_ss_sig',
      '-CAfile',
      path('root'),
      ...(chainPems.length > 1 ? ['-untrusted', path('intermediates')] : []),
      path('certificate'),
    ]),
  );
}

/** GnuTLS: a second opinion that shares no code with OpenSSL, nor with us. */
export async function verifyWithCerttool(certificatePem: string, chainPems: readonly string[]): Promise<Verdict> {
  const root = chainPems.at(-1) ?? '';
  const chain = [certificatePem, ...chainPems.slice(0, -1)].join('\n');
  return inFolder({ root, chain }, (path) =>
    verdictOf(fetchDebianTool(['gnutls-bin'], 'certtool'), [
      '--verify',
      '--load-ca-certificate',
      path('root'),
      '--infile',
      path('chain'),
    ]),
  );
}

async function verdictOf(tool: Promise<Tool>, args: readonly string[]): Promise<Verdict> {
  const { path, env } = await tool;
  return run(path, args, { env, timeout: 20_000 }).then(
    ({ stdout, stderr }) => ({ valid: true, said: stdout + stderr }),
    (error: { stdout?: string; stderr?: string; message: string }) => ({
      valid: false,
      said: `${error.stdout ?? ''}${error.stderr ?? ''}` || error.message,
    }),
  );
}

async function inFolder<T>(
  files: Record<string, string>,
  work: (path: (name: string) => string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-verify-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return await work((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
