import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, expect, it, vi } from 'vitest';
import { createKeyDirectory, type KeyDirectory } from './key-directory.js';

const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
let nowMs: number;
let readings: number;
let registered: string[];
let keyOf: KeyDirectory;

beforeEach(() => {
  nowMs = 1_000_000;
  readings = 0;
  registered = ['signer-1'];
  keyOf = createKeyDirectory({
    load: async () => {
      readings += 1;
      return registered.map((name) => ({ name, publicKey }));
    },
    monotonicMs: () => nowMs,
    cacheMs: 3000,
    log: silent,
  });
});

it('reads again for a name that was registered a moment ago', async () => {
  expect(await keyOf('signer-1')).toBeDefined();
  registered.push('identity-api-1');
  nowMs += 250;
  expect(await keyOf('identity-api-1')).toBeDefined();
  expect(await keyOf('signer-1')).toBeDefined();
  expect(readings).toBe(2);
});

it('reads for strangers four times a second at most, and once for all who come together', async () => {
  for (let calls = 0; calls < 100; calls += 1) {
    await Promise.all(['mallory', 'trudy'].map(async (name) => expect(await keyOf(name)).toBeUndefined()));
    nowMs += 10;
  }
  expect(readings).toBe(4);
});

it('a key that was taken away goes after 3 s, though the wall clock was put back by a day', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    expect(await keyOf('signer-1')).toBeDefined();
    registered = [];
    vi.setSystemTime(Date.now() - 86_400_000);
    nowMs += 3000;
    expect(await keyOf('signer-1')).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});
