import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyStore } from '@sluice/key-store';
import { expect, it } from 'vitest';
import { createPacedKeyStore } from './paced-key-store.js';
import { startPacer } from './pacer.js';
import { createWitnessKeyStore } from './witness-key-store.js';

it('shares one capacity between several stores', async () => {
  const pacer = await startPacer({ signaturesPerSecond: 100 });
  const inner = {
    token: 'file',
    sign: async () => new Uint8Array(),
    close: async () => undefined,
  } as unknown as KeyStore;
  const stores = [1, 2].map(() => createPacedKeyStore(inner, { pacer: pacer.address }));
  const begun = performance.now();
  await Promise.all(stores.flatMap((store) => Array.from({ length: 10 }, () => store.sign('ca', new Uint8Array()))));
  // 20 signatures at 100/s: 200 ms, however many ask.
  expect(performance.now() - begun).toBeGreaterThan(160);
  expect(pacer.granted()).toBe(20);
  pacer.setRate(0);
  const waiting = stores[0]?.sign('ca', new Uint8Array());
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(pacer.granted()).toBe(20);
  pacer.setRate(1000);
  await waiting;
  await pacer.close();
  await expect(stores[0]?.sign('ca', new Uint8Array())).rejects.toMatchObject({ code: 'token-failed' });
  for (const store of stores) await store.close();
});

it('passes on, as the witness does, the question whether a key is missing: no capacity is used for it', async () => {
  const pacer = await startPacer({ signaturesPerSecond: 0 });
  const inner = {
    confirmMissing: async (label: string) => (label === 'gone' ? 'missing' : 'there'),
    close: async () => undefined,
  } as unknown as KeyStore;
  const witness = createWitnessKeyStore(inner, join(mkdtempSync(join(tmpdir(), 'witness-')), 'witness'));
  const store = createPacedKeyStore(witness, { pacer: pacer.address });
  const spki = new Uint8Array();
  expect(await store.confirmMissing('gone', spki)).toBe('missing');
  expect(await store.confirmMissing('here', spki)).toBe('there');
  expect(pacer.granted()).toBe(0);
  await store.close();
  await pacer.close();
});
