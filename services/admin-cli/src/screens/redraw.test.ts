import { expect, it } from 'vitest';
import { createRedraw } from './redraw.js';

it('puts each picture in the place of the one before, long lines and colours counted as they are seen', () => {
  const redraw = createRedraw(() => 10);
  expect(redraw('one\ntwo')).toBe('one\ntwo\n');
  const wide = `\u001b[31m${'x'.repeat(11)}\u001b[39m\n${'y'.repeat(10)}`;
  expect(redraw(wide)).toBe(`\u001b[2F\u001b[J${wide}\n`);
  expect(redraw('')).toBe('\u001b[3F\u001b[J');
  expect(redraw('')).toBe('');
});

it.each([0, undefined])('takes the usual width where the terminal says %s', (columns) => {
  const redraw = createRedraw(() => columns);
  redraw('x'.repeat(81));
  expect(redraw('')).toBe('\u001b[2F\u001b[J');
});
