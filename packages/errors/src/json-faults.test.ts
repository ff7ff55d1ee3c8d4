import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonFault, jsonLimits } from './json-faults.js';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const { depthMax, valuesMax } = jsonLimits;

it.each([
  ['as deep as may be', nested(depthMax), undefined],
  ['one deeper', nested(depthMax + 1), /deeper/],
  ['a million deep, never closed', '['.repeat(1_000_000), /deeper/],
  ['lists side by side', `[${Array(50).fill(nested(5)).join()}]`, undefined],
  ['as many values as may be', JSON.stringify(Array(valuesMax - 1).fill(0)), undefined],
  ['one more', JSON.stringify(Array(valuesMax).fill(0)), /more than/],
  ['as many members, nested', `{${Array.from({ length: valuesMax }, (_, at) => `"${at}":{}`).join()}}`, /more than/],
  ['brackets in strings', JSON.stringify({ a: '['.repeat(100), b: ',"'.repeat(2000), c: '\\' }), undefined],
  ['a string that ends in backslashes', `["\\\\",${nested(depthMax)}]`, /deeper/],
  ['a string that does not end', `"${'['.repeat(100)}`, undefined],
  ['nothing', '', undefined],
])('%s', (_name, text, fault) => {
  const said = jsonFault(text);
  if (fault === undefined) expect(said).toBeUndefined();
  else expect(said).toEqual({ pointer: '', detail: expect.stringMatching(fault) });
});

it.each([
  ['at the top', '{"a":1,"b":2,"a":3}', '/a'],
  ['further in', '{"x":[0,{"y":{}},{"y":{"a":1,"a":1}}]}', '/x/2/y/a'],
  ['written otherwise', String.raw`{"a":1,"\u0061":2}`, '/a'],
  ['to be escaped in a pointer', '{"~/":1,"~/":2}', '/~0~1'],
  ['of no length', '{"":1,"":2}', '/'],
  ['called like a member of every object', '{"__proto__":1,"__proto__":2}', '/__proto__'],
])('finds a name that stands twice: %s', (_name, text, pointer) => {
  expect(jsonFault(text)).toEqual({ pointer, detail: 'stands there twice' });
});

it.each([
  ['in objects side by side', '{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]}'],
  ['as a value', '{"a":"a","b":["a","a"],"c":"b"}'],
  ['in another case', '{"a":1,"A":1}'],
  ['behind brackets in a string', String.raw`{"a":"}{","b":"],[","c":"\\",  "d":"\""}`],
])('minds no name that stands again %s', (_name, text) => {
  expect(JSON.parse(text)).toBeDefined();
  expect(jsonFault(text)).toBeUndefined();
});

it('agrees with the parser: texts written from values have no name twice', () => {
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), (text) => jsonFault(text) === undefined || text.length > 1000));
});

it('costs no more than its length', () => {
  // Each of them would be quadratic for a scan that goes back.
  for (const text of [
    `"${'\\'.repeat(65_000)}`,
    `"${'\\"'.repeat(32_000)}`,
    '"'.repeat(65_000),
    `{"${'\\u0061'.repeat(10_000)}`,
  ]) {
    const startedAt = performance.now();
    jsonFault(text);
    expect(performance.now() - startedAt).toBeLessThan(250);
  }
});
