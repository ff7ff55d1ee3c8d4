import { execFileSync } from 'node:child_process';
import { fetchDebianTool } from '@sluice/local-stack';
import { expect, it } from 'vitest';
import { type CsrKeyKind, makeCsr } from './csr.js';

it.each<CsrKeyKind>(['ec-p256', 'rsa-2048'])('makes a %s request that OpenSSL takes', async (kind) => {
  const openssl = await fetchDebianTool(['openssl'], 'openssl');
  const { pem } = makeCsr(kind, 'client.example');
  const said = execFileSync(openssl.path, ['req', '-verify', '-noout', '-subject'], {
    input: pem,
    env: openssl.env,
    stdio: 'pipe',
  }).toString();
  expect(said).toMatch(/CN ?= ?client\.example/);
});
