import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBlockedKeyIndex, lastBlockedKey } from './blocked-keys.js';
import { atOnce } from './slices.js';

const key = (fill: number): Buffer => Buffer.alloc(32, fill);
const listOf = (...fills: number[]) => ({ blockedKeys: Buffer.concat(fills.map(key)).toString('base64') });
const fills = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 20 });

it('each list has its own keys, whatever lists came before and after', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fills, fc.nat(20))), (steps) => {
      const index = createBlockedKeyIndex();
      let list: number[] = [];
      const seen = steps.map((step) => {
        // One more key as a rule, or another list.
        if (Array.isArray(step)) list = step;
        else if (!list.includes(step)) list = [...list, step];
        return { list, keys: atOnce(index.of(listOf(...list))) };
      });
      for (const { list: of, keys } of seen) {
        const has = Array.from({ length: 41 }, (_, fill) => fill).filter((fill) => keys.has(key(fill).toString('hex')));
        expect([keys.size, has]).toEqual([of.length, of.toSorted((one, other) => one - other)]);
      }
    }),
  );
});

it('looks at added keys only, 512 at a time', () => {
  const blockedKeys = (count: number) => {
    const octets = Buffer.alloc(count * 32);
    for (let place = 0; place < count; place++) octets.writeUInt32BE(place, place * 32);
    return { blockedKeys: octets.toString('base64') };
  };
  const index = createBlockedKeyIndex();
  expect([...index.of(blockedKeys(10_000))]).toHaveLength(Math.floor(10_000 / 512));
  expect([...index.of(blockedKeys(10_001))]).toHaveLength(0);
});

it('tells the last one', () => {
  expect(lastBlockedKey(listOf())).toEqual({ count: 0, keyHash: undefined });
  expect(lastBlockedKey(listOf(1, 2))).toEqual({ count: 2, keyHash: '02'.repeat(32) });
});
