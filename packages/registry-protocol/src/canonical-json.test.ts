import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.js';

it.each([
  [{ b: 1, a: [true, null, 'ä'], '': {} }, '{"":{},"a":[true,null,"ä"],"b":1}'],
  [{ 'a\n"\u0001': -0 }, '{"a\\n\\"\\u0001":0}'],
  // In UTF-16 the second name would come first.
  [{ '\uff5e': 1, '\u{1f600}': 2 }, '{"\uff5e":1,"\u{1f600}":2}'],
  [{ 10: 'x', 9: 'y' }, '{"10":"x","9":"y"}'],
])('writes %j one way', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

it.each([[0.5], [2 ** 53], [Number.NaN], [undefined], [{ a: undefined }], [1n]])('has no form for %s', (value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError);
});

it('is JSON of the same value, and itself the canonical form of what it says', () => {
  const whole = (_: string, value: unknown): unknown => (typeof value === 'number' ? Math.trunc(value) % 1e15 : value);
  const value = fc.json().map((text): unknown => JSON.parse(text, whole));
  fc.assert(
    fc.property(value, (given) => {
      const text = canonicalJson(given);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(given)));
      expect(canonicalJson(JSON.parse(text))).toBe(text);
    }),
  );
});
