import type { BreakerState } from '@sluice/breaker';
import { SluiceError } from '@sluice/errors';
import { expect, it } from 'vitest';
import { claimHindrance } from './claim-guard.js';

const codeOf = (state: BreakerState, fault?: string, notAttached?: SluiceError) =>
  claimHindrance({
    tokenBreaker: { name: 'token:file', state: () => state },
    clockWatch: { fault: () => fault },
    attachment: { fault: () => notAttached },
  })?.code;

it('claims with a token that answers and is its own, and a clock that is right, and only then', () => {
  expect(codeOf('closed')).toBeUndefined();
  expect(codeOf('open')).toBe('token-failed');
  expect(codeOf('probing')).toBe('token-failed');
  expect(codeOf('closed', '7 s ahead of the ledger')).toBe('clock-skewed');
  expect(codeOf('closed', undefined, new SluiceError('conflict'))).toBe('conflict');
});
