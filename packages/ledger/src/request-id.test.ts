import { expect, it } from 'vitest';
import { newRequestId, requestIdPattern } from './request-id.js';

it('is a UUIDv7: its time, its version, its variant, then what was drawn', () => {
  const id = newRequestId(0x0123456789ab, '6ba7b810-9dad-41d1-80b4-00c04fd430c8');
  expect(id).toBe('01234567-89ab-71d1-80b4-00c04fd430c8');
  expect(newRequestId(1)).toMatch(/^00000000-0001-7/);
  expect(id).toMatch(requestIdPattern);
});

it('sorts by time, as text and so as PostgreSQL sorts it', () => {
  const start = Date.UTC(2026, 10, 21);
  const times = [0, 1, 255, 256, 65_536, 1_000_000, 86_400_000].map((laterMs) => start + laterMs);
  const ids = times.map((time) => newRequestId(time));
  expect([...ids].sort()).toEqual(ids);
});

it('differs within a millisecond', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => newRequestId(1)));
  expect(ids.size).toBe(1000);
});

it('is told from other UUIDs and from anything else', () => {
  for (const other of [
    '01234567-89ab-4000-8000-000000000000',
    '01234567-89ab-7000-c000-000000000000',
    '01234567-89AB-7000-8000-000000000000',
    '0123456789ab70008000000000000000',
    ' 01234567-89ab-7000-8000-000000000000',
    '01234567-89ab-7000-8000-000000000000\n',
    '',
  ])
    expect(other).not.toMatch(requestIdPattern);
});
