import { expect, test } from 'vitest';
import { readArguments } from './arguments.js';

test('without options: one of each, nothing deleted', () => {
  expect(readArguments([])).toEqual({
    help: false,
    fresh: false,
    signers: 1,
    frontEnds: 1,
    port: undefined,
    dir: undefined,
  });
});

test('options are read', () => {
  const read = readArguments(['--fresh', '--signers', '3', '--front-ends=2', '--port', '9000', '--dir', '/somewhere']);
  expect(read).toMatchObject({ fresh: true, signers: 3, frontEnds: 2, port: 9000, dir: '/somewhere' });
});

test.each([['--signers', '0'], ['--signers', 'many'], ['--port', '70000'], ['--frsh'], ['stray']])(
  '%s %s is refused',
  (...argv) => {
    expect(() => readArguments(argv)).toThrow(/takes a number|--help/);
  },
);
