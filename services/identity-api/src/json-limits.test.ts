import { expect, it } from 'vitest';
import { jsonLimitFault, jsonLimits } from './json-limits.js';

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
  const said = jsonLimitFault(text);
  if (fault === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(fault);
});

it('costs no more than its length', () => {
  // Each of them would be quadratic for a scan that goes back.
  for (const text of [`"${'\\'.repeat(65_000)}`, `"${'\\"'.repeat(32_000)}`, '"'.repeat(65_000)]) {
    const startedAt = performance.now();
    jsonLimitFault(text);
    expect(performance.now() - startedAt).toBeLessThan(250);
  }
});
