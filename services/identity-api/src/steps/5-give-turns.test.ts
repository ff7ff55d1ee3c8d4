import type { AcceptRow } from '@sluice/ledger';
import type { TurnRequest } from '@sluice/queue';
import { expect, it } from 'vitest';
import { createGiveTurns } from './5-give-turns.js';

const row = (requestId: string, requestClass: AcceptRow['class'], ca = 'alive') =>
  ({ requestId, class: requestClass, keyGroup: 'default', account: 'demo', ca }) as AcceptRow;
const request = (requestId: string) => ({ requestId, flow: 'demo alive' });

it('gives one turn per lane for the rows of one commit that are not held, and only counts what Redis refuses', async () => {
  const given: [string, readonly TurnRequest[]][] = [];
  const results: boolean[] = [];
  const giveTurns = createGiveTurns({
    turns: {
      add: async (lane, requests) => {
        given.push([lane.class, requests]);
        if (lane.class === 'async') throw new Error('Redis is away');
      },
    },
    isHeld: (ca) => ca === 'dead',
    onTurn: (added) => void results.push(added),
  });
  giveTurns([row('1', 'interactive'), row('2', 'async'), row('3', 'interactive'), row('4', 'interactive', 'dead')]);
  giveTurns([row('5', 'interactive', 'dead')]);
  expect(given).toEqual([
    ['interactive', [request('1'), request('3')]],
    ['async', [request('2')]],
  ]);
  await expect.poll(() => results).toEqual([true, false]);
});
