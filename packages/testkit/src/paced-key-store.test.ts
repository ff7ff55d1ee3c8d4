import type { KeyStore } from '@sluice/key-store';
import { expect, it } from 'vitest';
import { createPacedKeyStore } from './paced-key-store.js';
import { startPacer } from './pacer.js';

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
