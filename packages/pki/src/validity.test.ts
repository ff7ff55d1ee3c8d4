import { expect, it } from 'vitest';
import { DerWriter } from './der-writer.js';
import { checkProfile } from './parse-profile.js';
import { refusal } from './sluice-error.test-support.js';
import { readTime, validityOf, writeTime } from './validity.js';

const document = checkProfile({
  name: 'a',
  ca: 'b',
  purpose: 'subscriber',
  validity_seconds: 600,
  backdate_seconds: 60,
  subject: {},
  keys: ['ec-p256'],
  key_usage: ['digitalSignature'],
});

it('lasts to the last second inside, in whole seconds, from the notBefore it is given', () => {
  const { notBefore, notAfter } = validityOf(document, new Date('2026-11-21T12:00:00.999Z'), null);
  expect(notBefore.toISOString()).toBe('2026-11-21T12:00:00.000Z');
  expect(notAfter.toISOString()).toBe('2026-11-21T12:09:59.000Z');
});

it('may end with its CA, and not a second later', () => {
  const start = new Date('2026-11-21T12:00:00Z');
  const end = new Date('2026-11-21T12:09:59Z');
  expect(validityOf(document, start, end).notAfter).toEqual(end);
  const error = refusal(() => validityOf(document, start, new Date(end.getTime() - 1000)), 'ca-expiring');
  expect(error.facts).toMatchObject({ ca_not_after: '2026-11-21T12:09:58.000Z' });
});

it.each([
  ['2049-12-31T23:59:59Z', 0x17, '491231235959Z'],
  ['2050-01-01T00:00:00Z', 0x18, '20500101000000Z'],
  ['1950-01-01T00:00:00Z', 0x17, '500101000000Z'],
  ['9999-12-31T23:59:59Z', 0x18, '99991231235959Z'],
])('writes and reads %s', (iso, tag, text) => {
  const writer = new DerWriter();
  writeTime(writer, new Date(iso));
  const bytes = writer.take();
  expect([bytes[0], Buffer.from(bytes.subarray(2)).toString()]).toEqual([tag, text]);
  expect(readTime(tag, bytes.subarray(2))).toEqual(new Date(iso));
});

it.each([
  [0x17, '20500101000000Z'],
  [0x18, '500101000000Z'],
  [0x17, '500101000000+0000'],
  [0x17, '501301000000Z'],
  [0x18, '20500101000000.5Z'],
])('does not read %i %s', (tag, text) => {
  expect(readTime(tag, Buffer.from(text))).toBeUndefined();
});
