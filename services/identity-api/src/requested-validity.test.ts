import { describe, expect } from 'vitest';
import { it, onlyId } from './testing/front-test.js';
import { body, type StartedFront } from './testing/start-front.js';

// The manual clock begins at 00:16:40; the CA began ten minutes before and ends on the 11th, at 00:06:39.
// `every-rule` takes lives of ten minutes to ten days, from an hour back (the CA is younger) to two hours ahead.

async function ordered(front: StartedFront, validity: object | undefined) {
  const order = { ...body, profile: 'every-rule', san: { dns_names: ['a.example'] }, validity };
  const answer = await front.post(order, { prefer: 'respond-async' });
  const { code, pointer } = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, code, pointer };
}

describe('ends within the bounds, both inclusive', () => {
  it.for([
    ['the earliest begin', { not_before: '1970-01-01T00:06:40Z' }],
    ['the latest begin', { not_before: '1970-01-01T02:16:40Z' }],
    ['the shortest life', { not_before: '1970-01-01T00:16:40Z', not_after: '1970-01-01T00:26:39Z' }],
    ['the shortest life from now on', { not_after: '1970-01-01T00:25:39Z' }],
    [
      'the longest life, to the last second of the CA',
      { not_before: '1970-01-01T00:06:40Z', not_after: '1970-01-11T00:06:39Z' },
    ],
    ['nothing', {}],
  ] as const)('%s', async ([, validity], { front }) => {
    expect(await ordered(front, validity)).toMatchObject({ status: 202 });
  });
});

describe('ends beyond them', () => {
  it.for([
    ['a begin before the CA', { not_before: '1970-01-01T00:06:39Z' }, '/validity/not_before'],
    ['a begin too far ahead', { not_before: '1970-01-01T02:16:41Z' }, '/validity/not_before'],
    [
      'too short a life',
      { not_before: '1970-01-01T00:16:40Z', not_after: '1970-01-01T00:26:38Z' },
      '/validity/not_after',
    ],
    ['too short a life from now on', { not_after: '1970-01-01T00:25:38Z' }, '/validity/not_after'],
    [
      'an end before the begin',
      { not_before: '1970-01-01T00:16:40Z', not_after: '1970-01-01T00:16:39Z' },
      '/validity/not_after',
    ],
    [
      'an end after the CA',
      { not_before: '1970-01-01T00:06:40Z', not_after: '1970-01-11T00:06:40Z' },
      '/validity/not_after',
    ],
    ['an end in the last second of time', { not_after: '9999-12-31T23:59:59Z' }, '/validity/not_after'],
    ['a begin before the Common Era', { not_before: '0000-01-01T00:00:00Z' }, '/validity/not_before'],
  ] as const)('%s', async ([, validity, pointer], { front, ledger }) => {
    expect(await ordered(front, validity)).toEqual({ status: 422, code: 'validity-invalid', pointer });
    expect(ledger.stored.size).toBe(0);
  });
});

it('is refused under a key without a promise: another front end may be taking it at this moment', async ({ front }) => {
  const order = { ...body, profile: 'every-rule', san: { dns_names: ['a.example'] } };
  const ended = { ...order, validity: { not_after: '1970-01-01T00:16:39Z' } };
  expect(await (await front.post(ended, { 'idempotency-key': 'k' })).json()).toMatchObject({ fate: 'unknown' });
  expect(await (await front.post(ended)).json()).toMatchObject({ fate: 'not-issued' });
});

it('is part of what is asked: stored, and another one is another order', async ({ front, ledger }) => {
  const validity = { not_before: '1970-01-01T00:20:00Z', not_after: '1970-01-01T00:40:00Z' };
  await ordered(front, validity);
  const row = ledger.stored.get(onlyId(ledger))?.row;
  expect(JSON.parse(row?.content ?? '')).toMatchObject({ validity });
  await ordered(front, { not_after: validity.not_after, not_before: validity.not_before });
  expect(ledger.stored.size).toBe(1);
  await ordered(front, { ...validity, not_after: '1970-01-01T00:40:01Z' });
  await ordered(front, undefined);
  const rows = [...ledger.stored.values()].map((stored) => stored.row);
  const hex = (pick: (of: (typeof rows)[number]) => Uint8Array) =>
    rows.map((of) => Buffer.from(pick(of)).toString('hex'));
  expect(new Set(hex(({ fingerprint }) => fingerprint)).size).toBe(3);
  expect(new Set(hex(({ payloadHash }) => payloadHash)).size).toBe(3);
});
