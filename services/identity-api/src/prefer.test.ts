import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPrefer, waitMaxMs } from './prefer.js';

describe('readPrefer', () => {
  it.each([
    [undefined, 6000, false, undefined],
    ['', 6000, false, undefined],
    ['wait=3', 3000, false, 'wait=3'],
    ['WAIT = 3', 3000, false, 'wait=3'],
    ['wait="2"', 2000, false, 'wait=2'],
    ['wait=2; note=x', 2000, false, 'wait=2'],
    ['wait=0', 0, true, 'wait=0'],
    ['wait=600', 6000, false, 'wait=6'],
    ['wait=9999999999', 6000, false, 'wait=6'],
    ['respond-async', 0, true, 'respond-async'],
    ['respond-async, wait=2', 2000, true, 'respond-async, wait=2'],
    ['wait=2,wait=5', 2000, false, 'wait=2'],
    // Malformed or unknown: ignored.
    ['wait', 6000, false, undefined],
    ['wait=', 6000, false, undefined],
    ['wait=-1', 6000, false, undefined],
    ['wait=1.5', 6000, false, undefined],
    ['wait=1e1', 6000, false, undefined],
    ['wait=99999999999999999999', 6000, false, undefined],
    ['wait=x, wait=2', 6000, false, undefined],
    ['return=minimal; foo="a, wait=1"', 6000, false, undefined],
    ['foo="wait=1, respond-async"', 6000, false, undefined],
    ['"wait=1', 6000, false, undefined],
    ['=, ;, wait=1', 1000, false, 'wait=1'],
  ])('%j: waits %d ms, async %s, applied %s', (header, waitMs, respondAsync, applied) => {
    expect(readPrefer(header)).toEqual({ waitMs, respondAsync, applied });
  });

  it('never throws, never waits longer than the maximum, and reads what it says it applied as the same', () => {
    const piece = fc.oneof(
      fc.constantFrom('wait', '=', ',', ';', '"', '\\', ' ', 'respond-async', '5', '-1', 'return=minimal'),
      fc.string({ maxLength: 5 }),
    );
    const header = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(header, (text) => {
        const preference = readPrefer(text);
        expect(preference.waitMs).toBeGreaterThanOrEqual(0);
        expect(preference.waitMs).toBeLessThanOrEqual(waitMaxMs);
        expect(readPrefer(preference.applied)).toEqual(preference);
      }),
      { numRuns: 2000 },
    );
  });
});
