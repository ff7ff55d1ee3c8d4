import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAwaited, isSettled, lagEpochs, silentAfterMs, standingFor } from './standing.js';

const now = new Date('2026-11-21T10:00:00Z');
const ago = (ms: number): Date => new Date(now.getTime() - ms);
const heard = { service: 'signer', fenced: false, acknowledgedEpoch: 7n, refusedEpoch: 0n, heardAt: ago(1000) };
const registry = { service: 'issuer-registry' };
const epochs = fc.bigInt({ min: 0n, max: 20n });
const hearings = fc.record({
  service: fc.constantFrom('identity-api', 'signer', 'ocsp-responder'),
  fenced: fc.boolean(),
  acknowledgedEpoch: epochs,
  refusedEpoch: epochs,
  heardAt: fc.integer({ min: -5000, max: 60_000 }).map(ago),
});

describe('a subscriber’s standing', () => {
  it.each([
    ['what it has not yet proved', 8n, heard, 'pending'],
    ['what it proved', 7n, heard, 'applied'],
    ['what came before that', 6n, heard, 'applied'],
    ['what it refused', 8n, { ...heard, refusedEpoch: 8n }, 'refused'],
    ['what it refused and proved after all', 7n, { ...heard, refusedEpoch: 7n }, 'applied'],
    ['what came after what it refused', 9n, { ...heard, refusedEpoch: 8n }, 'pending'],
    ['anything new, when it was last heard 12 s ago', 8n, { ...heard, heardAt: ago(silentAfterMs) }, 'pending'],
    ['anything new, when that is longer ago', 8n, { ...heard, heardAt: ago(silentAfterMs + 1) }, 'silent'],
    ['what it refused before it went silent', 8n, { ...heard, refusedEpoch: 8n, heardAt: ago(60_000) }, 'refused'],
    ['anything, once it is fenced', 1n, { ...heard, fenced: true }, 'fenced'],
    [
      'anything, when it reads the ledger itself and renewed its lease late',
      9n,
      { ...heard, ...registry, heardAt: ago(15_000) },
      'applied',
    ],
    ['anything, when it has not renewed its lease', 9n, { ...heard, ...registry, heardAt: ago(15_001) }, 'silent'],
    ['anything, when it reads the ledger itself', 9n, { ...heard, ...registry }, 'applied'],
  ])('for %s', (_, epoch, subscriber, standing) => {
    expect(standingFor(epoch, subscriber, now)).toBe(standing);
  });

  it('is settled only for who proved the version or can no longer act, whatever else is so', () => {
    fc.assert(
      fc.property(epochs, hearings, (epoch, subscriber) => {
        const safe = subscriber.fenced || subscriber.acknowledgedEpoch >= epoch;
        expect(isSettled(standingFor(epoch, subscriber, now))).toBe(safe);
      }),
    );
  });

  it('never needs waiting for again for an older version, nor at a later time', () => {
    fc.assert(
      fc.property(epochs, epochs, hearings, fc.nat(100_000), (epoch, older, subscriber, laterMs) => {
        fc.pre(older <= epoch && isSettled(standingFor(epoch, subscriber, now)));
        expect(isSettled(standingFor(older, subscriber, now))).toBe(true);
        expect(isSettled(standingFor(epoch, subscriber, ago(-laterMs)))).toBe(true);
      }),
    );
  });
});

it.each([
  ['proved', { acknowledged: 7n, applied: 9n }, 3n],
  ['said, by one that has just enrolled', { acknowledged: 0n, applied: 9n }, 1n],
  ['newer than what is asked about', { acknowledged: 12n, applied: 12n }, 0n],
])('lags by what is not yet %s', (_, reached, lag) => {
  expect(lagEpochs(10n, reached)).toBe(lag);
});

it('is waited for of whoever accepts, signs or answers, not of the registry itself', () => {
  const services = ['identity-api', 'signer', 'ocsp-responder', 'issuer-registry', 'constructor'];
  expect(services.map(isAwaited)).toEqual([true, true, true, false, false]);
});
