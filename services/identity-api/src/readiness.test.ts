import { expect, it } from 'vitest';
import { readiness } from './readiness.js';

const well = {
  ...{ draining: false, ledgerAnsweredMs: 900, leaseHeld: true, redis: 'ok', clock: 'ok' },
  snapshot: { epoch: '7', stale: false },
};

it.each([
  ['all is well', {}, true],
  ['Redis is away', { redis: 'connecting' }, true],
  ['the clock is wrong', { clock: '7 s ahead of the ledger' }, true],
  ['the snapshot is stale', { snapshot: { epoch: '7', stale: true } }, true],
  ['no snapshot', { snapshot: undefined }, false],
  ['the ledger is silent', { ledgerAnsweredMs: 3001 }, false],
  ['the ledger never answered', { ledgerAnsweredMs: undefined }, false],
  ['no lease', { leaseHeld: false }, false],
  ['draining', { draining: true }, false],
])('%s', (_what, facts, ready) => expect(readiness({ ...well, ...facts }).ready).toBe(ready));
