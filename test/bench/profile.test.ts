import { expect, it } from 'vitest';
import { topText } from './profile.js';

it('adds up where a process spent its time itself, by function, without what was no work', () => {
  const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('sign', 'file:///somewhere/signer/dist/sign-rows.js', 11) },
      // The same function, reached on another way.
      { id: 3, callFrame: frame('sign', 'file:///somewhere/signer/dist/sign-rows.js', 11) },
      { id: 4, callFrame: frame('', 'node:net', 1) },
    ],
    samples: [1, 2, 3, 4],
    timeDeltas: [6000, 2000, 1000, 1000],
  };
  expect(topText('signer-1', JSON.stringify(profile)).split('\n')).toEqual([
    'signer-1: busy 4 ms of 10 ms; self time by function, of what was busy',
    '  75.0 %        3 ms  sign sign-rows.js:12',
    '  25.0 %        1 ms  (anonymous) node:net:2',
    '',
  ]);
});
