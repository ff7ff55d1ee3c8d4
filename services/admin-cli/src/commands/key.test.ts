import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CommandRig, startCommandRig } from '../testing/command-rig.js';

let rig: CommandRig;
beforeEach(async () => {
  rig = await startCommandRig();
});
afterEach(() => rig.end());

const hash = 'ab'.repeat(32);
const answer = { dry_run: false, epoch: '7', spki_sha256: hash, unchanged: false };
const block = (...args: string[]) => rig.sluice('key', 'block', ...args, '--reason', 'leaked');

/** P-256, signed by itself; the hash of its key is OpenSSL's. */
const csr = `-----BEGIN CERTIFICATE REQUEST-----
MIHHMG4CAQAwDDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BAptFtUNZSC22QW1eciIeju+2s/fKNESDi7r7bz4hEcEd3qWjkZNpIBeRPexLf3L
CbhR0MiOt43ivfc5TJuZHcqgADAKBggqhkjOPQQDAgNJADBGAiEAiH0Zc2oBPp/6
4JmftnIZ1ARAMCeUILwgug19UIycCcgCIQDVutdMyI3GxVkfoFBiDcpU3QUSfnas
QF6q9cNboz8sAg==
-----END CERTIFICATE REQUEST-----
`;
const csrKeyHash = '5cc6e3d8866ed0a13a1c9be718d55ca833f74bf2c50e71d27ee53f22efc27a01';
const certificate = `-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIUL7UmEDtoRIFQjFaFj6aoyI7R4QkwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAeFw0yNjExMjEwOTUyMzhaFw0yNjExMjQwOTUyMzhaMAwx
CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQKbRbVDWUgttkF
tXnIiHo7vtrP3yjREg4u6+28+IRHBHd6lo5GTaSAXkT3sS39ywm4UdDIjreN4r33
OUybmR3Ko1MwUTAdBgNVHQ4EFgQUWBJjnf5+ybIj16e86mmUyqhMSnAwHwYDVR0j
BBgwFoAUWBJjnf5+ybIj16e86mmUyqhMSnAwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiEAuAaklK+xbyE1SOhT9n5gn64JapODUcP/0kA8OSn9atYC
IFNQvPVU4woqCN5yCAjXsVb/Aq9vKV37uyHnJjl4DQTG
-----END CERTIFICATE-----
`;

it('blocks a key by its hash, however that is written', async () => {
  rig.answers['POST /admin/v1/blocked-keys'] = [[201, answer]];
  const written = hash.toUpperCase().replace(/(..)(?!$)/g, '$1:');
  expect(await block('--spki-sha256', written)).toBe(0);
  expect(rig.calls[0]?.body).toEqual({ spki_sha256: hash, reason: 'leaked', dry_run: false });
  expect(rig.out.join()).toBe(`${hash} is blocked, as of epoch 7.`);
});

it.each([
  ['--csr', csr],
  ['--certificate', certificate],
])('blocks the key of a file: %s', async (option, content) => {
  const file = join(rig.dir, 'file.pem');
  writeFileSync(file, content);
  rig.answers['POST /admin/v1/blocked-keys'] = [[200, { ...answer, dry_run: true }]];
  expect(await block(option, file, '--dry-run')).toBe(0);
  expect(rig.calls[0]?.body).toMatchObject({ spki_sha256: csrKeyHash, dry_run: true });
  expect(rig.out.join()).toContain('Nothing was changed');
});

it.each([
  ['no key', []],
  ['two keys', ['--spki-sha256', hash, '--csr', '-']],
  ['half a hash', ['--spki-sha256', 'abcd']],
  ['a file that holds none', ['--csr', '-']],
  ['a file that is no certificate', ['--certificate', '-']],
])('is told apart: %s', async (_, args) => {
  expect(await block(...args)).toBe(2);
  expect(rig.calls).toEqual([]);
});

it('lists what is blocked', async () => {
  const row = { spki_sha256: hash, reason: 'leaked', blocked_by: 'alice', epoch: '7' };
  const blocked_keys = [{ ...row, blocked_at: '2026-11-21T10:00:00.000Z' }];
  rig.answers['GET /admin/v1/blocked-keys'] = [
    [200, { epoch: '7', count: 3, blocked_keys }],
    [200, { epoch: '7', count: 0, blocked_keys: [] }],
  ];
  expect(await rig.sluice('key', 'blocked')).toBe(0);
  expect(rig.out.join()).toMatch(new RegExp(`${hash}.*alice.*leaked[^]*2 before`));
  expect(await rig.sluice('key', 'blocked')).toBe(0);
  expect(rig.out.at(-1)).toBe('No key is blocked.');
});
