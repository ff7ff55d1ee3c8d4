import type { AcceptRow } from '@sluice/ledger';
import { expect, it } from 'vitest';
import { createGiveTurns } from './5-give-turns.js';

const row = (requestId: string, requestClass: AcceptRow['class'], ca = 'alive') =>
  ({ requestId, class: requestClass, keyGroup: 'default', ca }) as AcceptRow;

it('gives one turn per lane for the rows of one commit that are not held, and only counts what Redis refuses', async () => {
  const given: [string, readonly string[]][] = [];
  const results: boolean[] = [];
  const giveTurns = createGiveTurns({
    turns: {
      add: async (lane, ids) => {
        given.push([lane.class, ids]);
        if (lane.class === 'async') throw new Error('Redis is away');
      },
    },
    isHeld: (ca) => ca === 'dead',
    onTurn: (added) => void results.push(added),
  });
  giveTurns([row('1', 'interactive'), row('2', 'async'), row('3', 'interactive'), row('4', 'interactive', 'dead')]);
  giveTurns([row('5', 'interactive', 'dead')]);
  expect(given).toEqual([
    ['interactive', ['1', '3']],
    ['async', ['2']],
  ]);
  await expect.poll(() => results).toEqual([true, false]);
});
