import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyStore } from '@sluice/key-store';
import { expect, it } from 'vitest';
import { der } from './der.js';
import { createWitnessKeyStore, readWitness } from './witness-key-store.js';

const tbs = (serial: number[]): Buffer =>
  der(0x30, der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, Buffer.from(serial)), der(0x30));

it('has the serial on disk before the key is asked, also when the key then fails', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'witness-')), 'witness');
  const seenByKey: number[] = [];
  const inner = {
    token: 'file',
    sign: async () => {
      seenByKey.push(readWitness(file).length);
      throw new Error('the key does not answer');
    },
  } as unknown as KeyStore;
  const witness = createWitnessKeyStore(inner, file);
  await expect(witness.sign('ca-a', tbs([0x01, 0xff]))).rejects.toThrow('does not answer');
  await Promise.all([2, 3, 4].map((last) => witness.sign('ca-a', tbs([1, last])).catch(() => undefined)));
  expect(readWitness(file).map((entry) => entry.serial)).toEqual(['01ff', '0102', '0103', '0104']);
  expect(seenByKey[0]).toBe(1);
  expect(readWitness(file)[0]).toMatchObject({ label: 'ca-a', token: 'file', pid: process.pid });
});
