import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, scrypt } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '@sluice/errors';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keyStoreContract } from './contract.js';
import { createFileKeyStore } from './file-key-store.js';
import type { KeyStore } from './types.js';

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return { ...crypto, scrypt: vi.fn(crypto.scrypt) };
});
/** How often a file was opened, or written, with the pass phrase. */
const openings = (): number => vi.mocked(scrypt).mock.calls.length;

const passphrase = 'correct horse battery';

keyStoreContract('file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
  const openAgain = async (): Promise<KeyStore> => createFileKeyStore({ dir, passphrase, token: 'file' });
  const store = await openAgain();
  return {
    store,
    openAgain,
    removeKey: (label) => unlink(join(dir, `${label}.pem`)),
    removeControl: () => unlink(join(dir, '.control.pem')),
    removeToken: async () => {
      await rename(dir, `${dir}-away`);
      return () => rename(`${dir}-away`, dir);
    },
    dispose: async () => {
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
});

let dir: string;
let clockMs = 0;
let store: KeyStore;
const open = (phrase = passphrase): KeyStore =>
  createFileKeyStore({ dir, passphrase: phrase, token: 'file', monotonicMs: () => clockMs });

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'sluice-keys-')), 'keys');
  store = open();
  await store.initialise();
});
afterEach(async () => {
  await store.close();
  await rm(join(dir, '..'), { recursive: true });
});

async function failure(attempt: Promise<unknown>): Promise<SluiceError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof SluiceError) return error;
  throw new Error('expected a SluiceError', { cause: error });
}

it('writes an encrypted file that only its owner reads, and leaves no other', async () => {
  const { spki } = await store.generate('root', 'ec-p256');
  const path = join(dir, 'root.pem');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  expect((await readdir(dir)).sort()).toEqual(['.control.pem', 'root.pem']);
  expect(await readFile(path, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
  const readByOpenssl = execFileSync('openssl', ['pkey', '-in', path, '-passin', 'env:PHRASE', '-pubout'], {
    env: { ...process.env, PHRASE: passphrase },
    encoding: 'utf8',
  });
  expect(readByOpenssl.replace(/-.*-|\n/g, '')).toBe(Buffer.from(spki).toString('base64'));
  const structure = execFileSync('openssl', ['asn1parse', '-in', path], { encoding: 'utf8' });
  expect(structure).toContain('PBES2');
  expect(structure).toContain('scrypt');
  expect(structure).toContain('aes-256-cbc');
});

it('tells a wrong pass phrase, without it, for every verb, and makes no key under it', async () => {
  await store.generate('root', 'ec-p256');
  const wrong = open('wrong phrase');
  for (const attempt of [
    () => wrong.identity(),
    () => wrong.find('root'),
    () => wrong.sign('root', Buffer.of(1)),
    () => wrong.generate('new', 'ec-p256'),
  ]) {
    const error = await failure(attempt());
    expect(error.code).toBe('token-failed');
    expect(error.message).toContain('pass phrase');
    expect(JSON.stringify([error.message, error.facts, String(error.cause)])).not.toMatch(/wrong phrase|correct/);
  }
  expect((await readdir(dir)).sort()).toEqual(['.control.pem', 'root.pem']);
});

it('does not take a key that is not encrypted, nor a damaged one', async () => {
  await store.generate('root', 'ec-p256');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(join(dir, 'plain.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect((await failure(store.find('plain'))).message).toContain('not an encrypted');
  const sound = await readFile(join(dir, 'root.pem'), 'utf8');
  await writeFile(join(dir, 'cut.pem'), sound.slice(0, 200));
  expect((await failure(store.find('cut'))).code).toBe('token-failed');
});

it('tells a directory that has gone, or is not the token, from a key that has gone', async () => {
  await store.generate('root', 'ec-p256');
  await rename(dir, `${dir}-away`);
  expect((await failure(store.find('root'))).code).toBe('token-failed');
  clockMs += 1000;
  expect((await failure(store.sign('root', Buffer.of(1)))).code).toBe('token-failed');
  await rename(`${dir}-away`, dir);
  await store.find('root');
  await unlink(join(dir, '.control.pem'));
  expect((await failure(open().find('other'))).message).toContain('control object');
});

it('calls no key missing on another token that was put in its place', async () => {
  const { spki } = await store.generate('root', 'ec-p256');
  await rename(dir, `${dir}-away`);
  const another = open();
  await another.initialise();
  const error = await failure(store.confirmMissing('root', spki));
  expect([error.code, error.message]).toEqual(['token-failed', expect.stringContaining('another token')]);
  await another.close();
});

it('opens no file twice to confirm what is missing or replaced, however many keys go at once and how often it is asked', async () => {
  const other = await store.generate('other', 'ec-p256');
  const replaced = Array.from({ length: 10 }, (_, index) => `replaced-${index}`);
  for (const label of replaced) await copyFile(join(dir, 'other.pem'), join(dir, `${label}.pem`));
  const own = Buffer.from('the key that the registry knows');
  vi.mocked(scrypt).mockClear();
  const ask = async () => {
    await Promise.all(replaced.map((label) => store.find(label)));
    return Promise.all(['gone', ...replaced, 'other'].map((label) => store.confirmMissing(label, own)));
  };
  const all = ['missing', ...replaced.map(() => 'replaced'), 'replaced'];
  expect([await ask(), await ask()]).toEqual([all, all]);
  expect(await store.confirmMissing('other', other.spki)).toBe('there');
  expect(openings()).toBe(replaced.length);
});

it('opens what OpenSSL encrypted, too', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
  await writeFile(join(dir, 'brought.pem'), pem);
  expect((await store.find('brought')).spki).toEqual(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })));
});

it('opens many keys two at a time, and lets others have their turn meanwhile', async () => {
  await store.generate('root', 'ec-p256');
  const labels = Array.from({ length: 8 }, (_, index) => `copy-${index}`);
  for (const label of labels) await copyFile(join(dir, 'root.pem'), join(dir, `${label}.pem`));
  vi.mocked(scrypt).mockClear();
  // Of each turn of the others, how many openings had begun by then.
  const begun = new Set<number>();
  const turn = (): void => {
    begun.add(openings());
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  await Promise.all(labels.map((label) => store.find(label)));
  clearImmediate(next);
  expect([...begun].every((count, index, all) => count - (all[index - 1] ?? 0) <= 2)).toBe(true);
  expect([...begun].at(-1)).toBe(labels.length);
});

it('looks at the file once a second while it signs, and not more often', async () => {
  await store.generate('root', 'ec-p256');
  await unlink(join(dir, 'root.pem'));
  clockMs += 999;
  await store.sign('root', Buffer.of(1));
  clockMs += 1;
  expect((await failure(store.sign('root', Buffer.of(1)))).code).toBe('key-missing');
});

it('takes the new key when a file was put in the place of another', async () => {
  const first = await store.generate('root', 'ec-p256');
  const second = await store.generate('other', 'ec-p256');
  await rename(join(dir, 'other.pem'), join(dir, 'root.pem'));
  const found = await store.find('root');
  expect(found).toEqual(second);
  expect(found).not.toEqual(first);
});

it('clears away what a crash between writing and naming left, and begins anew', async () => {
  await store.generate('other', 'ec-p256');
  await writeFile(join(dir, '.root.new-0011223344556677'), 'cut off');
  await store.generate('root', 'ec-p256');
  expect((await readdir(dir)).sort()).toEqual(['.control.pem', 'other.pem', 'root.pem']);
});

it('is made a token by whoever comes first, also when several come at once or one died doing so', async () => {
  await unlink(join(dir, '.control.pem'));
  await writeFile(join(dir, '..control.new-0011223344556677'), 'cut off');
  const [first, ...others] = await Promise.all([open(), open(), open()].map((each) => each.initialise()));
  expect(others).toEqual([first, first]);
  expect((await failure(open().find('root'))).code).toBe('key-missing');
});

it('forgets the keys of the token it had when another is in its place', async () => {
  await store.generate('root', 'ec-p256');
  await rename(dir, `${dir}-away`);
  await open().initialise();
  await store.identity();
  expect((await failure(store.sign('root', Buffer.of(1)))).code).toBe('key-missing');
});

it('makes keys of every RSA size it names', async () => {
  expect((await store.generate('rsa-3072', 'rsa-3072')).algorithm).toBe('rsa-3072');
  expect((await open().find('rsa-3072')).algorithm).toBe('rsa-3072');
});
