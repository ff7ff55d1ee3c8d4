import { describe, expect, it } from 'vitest';
import { DerWriter } from './der-writer.js';
import { checkProfile } from './parse-profile.js';
import { refusal } from './sluice-error.test-support.js';
import { checkValidity, readTime, validityOf, validitySecondsMax, writeTime } from './validity.js';

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

describe('ends that are asked for', () => {
  const asking = checkProfile({
    ...document,
    requested_validity: { min_seconds: 300, max_seconds: 3600, back_seconds: 120, ahead_seconds: 7200 },
  });
  const claim = new Date('2026-11-21T12:00:00Z');
  const iso = (of: Date) => of.toISOString().replace('.000Z', 'Z');

  it('are said exactly, each of them; a begin alone lasts as long as always', () => {
    const [not_before, not_after] = ['2026-11-21T11:59:01Z', '2026-11-21T12:30:00Z'];
    const said = (asked: object) => Object.values(validityOf(asking, claim, null, asked)).map(iso);
    expect(said({ not_before, not_after })).toEqual([not_before, not_after]);
    expect(said({ not_before })).toEqual([not_before, '2026-11-21T12:09:00Z']);
    expect(said({ not_after })).toEqual(['2026-11-21T12:00:00Z', not_after]);
    expect(said({ not_after: '2050-01-01T00:00:00Z' })[1]).toBe('2050-01-01T00:00:00Z');
  });

  it('may be those of the CA, and never lie beyond; nor before the claim', () => {
    const not_after = '2026-11-21T12:30:00Z';
    const last = new Date(not_after);
    expect(validityOf(asking, claim, last, { not_after }).notAfter).toEqual(last);
    refusal(() => validityOf(asking, claim, new Date(last.getTime() - 1000), { not_after }), 'ca-expiring');
    // notBefore lies 60 s before the claim.
    expect(iso(validityOf(asking, claim, null, { not_after: '2026-11-21T12:01:00Z' }).notAfter)).toMatch(/12:01:00Z/);
    refusal(() => validityOf(asking, claim, null, { not_after: '2026-11-21T12:00:59Z' }), 'validity-invalid');
    refusal(() => validityOf(asking, claim, null, { not_before: '2026-11-21T11:50:00Z' }), 'validity-invalid');
  });

  const issuer = { notBefore: new Date('2026-11-21T11:59:00Z'), notAfter: new Date('2026-11-21T13:30:00Z') };
  const accepted = new Date('2026-11-21T12:00:00.900Z');
  const bounds = { acceptedFrom: accepted, acceptedUntil: accepted };
  it.each([
    ['2026-11-21T11:58:00Z', undefined, ''],
    ['2026-11-21T11:57:59Z', undefined, '/validity/not_before'],
    ['2026-11-21T14:00:00Z', undefined, ''],
    ['2026-11-21T14:00:01Z', undefined, '/validity/not_before'],
    ['2026-11-21T12:00:00Z', '2026-11-21T12:04:59Z', ''],
    ['2026-11-21T12:00:00Z', '2026-11-21T12:04:58Z', '/validity/not_after'],
    ['2026-11-21T12:00:00Z', '2026-11-21T12:59:59Z', ''],
    ['2026-11-21T12:00:00Z', '2026-11-21T13:00:00Z', '/validity/not_after'],
    [undefined, '2026-11-21T12:03:59Z', ''],
    [undefined, '2026-11-21T12:03:58Z', '/validity/not_after'],
    [undefined, '2026-11-21T12:58:59Z', ''],
    [undefined, '2026-11-21T12:59:00Z', '/validity/not_after'],
    ['2026-11-21T14:00:01Z', '2026-11-21T14:00:00Z', '/validity/not_before,/validity/not_after'],
    [undefined, undefined, ''],
  ])('from %s to %s: %s', (not_before, not_after, pointers) => {
    const findings = checkValidity(asking, { not_before, not_after }, bounds);
    expect(findings.map(({ pointer }) => pointer).join()).toBe(pointers);
    for (const { code } of findings) expect(code).toBe('validity-invalid');
  });

  it.each([
    ['2026-11-21T11:59:00Z', undefined, ''],
    ['2026-11-21T11:58:59Z', undefined, '/validity/not_before'],
    ['2026-11-21T13:20:01Z', undefined, ''],
    ['2026-11-21T13:20:02Z', undefined, '/validity/not_before'],
    ['2026-11-21T13:00:00Z', '2026-11-21T13:30:00Z', ''],
    ['2026-11-21T13:00:00Z', '2026-11-21T13:30:01Z', '/validity/not_after'],
  ])('below a CA that ends at 13:30, from %s to %s: %s', (not_before, not_after, pointers) => {
    const findings = checkValidity(asking, { not_before, not_after }, { ...bounds, issuer });
    expect(findings.map(({ pointer }) => pointer).join()).toBe(pointers);
  });

  it('are none when they lie before the order', () => {
    const short = checkProfile({
      ...document,
      validity_seconds: 60,
      backdate_seconds: 0,
      requested_validity: { min_seconds: 60, max_seconds: 7200, back_seconds: 3600, ahead_seconds: 0 },
    });
    const at = (ms: number) => new Date(claim.getTime() + ms).toISOString().replace('.000Z', 'Z');
    const not_before = at(-3_600_000);
    expect(checkValidity(short, { not_before, not_after: at(0) }, bounds)).toEqual([]);
    expect(checkValidity(short, { not_before, not_after: at(-1000) }, bounds)).toMatchObject([
      { pointer: '/validity/not_after', code: 'validity-invalid' },
    ]);
    expect(checkValidity(short, { not_before }, bounds)).toMatchObject([{ pointer: '/validity/not_before' }]);
  });

  it('are nothing that a profile takes unless it says so', () => {
    expect(checkValidity(document, { not_after: '2026-11-21T12:05:00Z' }, bounds)).toMatchObject([
      { pointer: '/validity', code: 'validity-invalid' },
    ]);
    expect([document, asking].map(validitySecondsMax)).toEqual([600, 3600]);
  });
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
