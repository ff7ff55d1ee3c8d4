import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyStatics, canonicalContent, fingerprint, parseContent } from './content.js';
import { anyContent, anyTypedContent } from './content.test-support.js';
import { checkProfile } from './parse-profile.js';
import { refusal } from './sluice-error.test-support.js';
import type { RequestContent } from './types.js';

describe('canonical content', () => {
  it('has one text for one content, whatever order its members came in', () => {
    const left: RequestContent = {
      subject_dn: { email: 'a@b', country: 'DE' },
      san: { uris: ['http://a'], emails: [] },
    };
    const right: RequestContent = { san: { uris: ['http://a'] }, subject_dn: { country: 'DE', email: 'a@b' } };
    expect(canonicalContent(left)).toBe('{"san":{"uris":["http://a"]},"subject_dn":{"country":"DE","email":"a@b"}}');
    expect(canonicalContent(right)).toBe(canonicalContent(left));
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(anyContent, (content) => {
        const text = canonicalContent(content);
        expect(canonicalContent(parseContent(text))).toBe(text);
        expect(parseContent(text)).toEqual(content);
      }),
    );
  });

  it('comes back as it was, also what no field is for', () => {
    fc.assert(
      fc.property(anyTypedContent, (content) => {
        const text = canonicalContent(content);
        expect(canonicalContent(parseContent(text))).toBe(text);
        expect(parseContent(text)).toEqual(content);
      }),
    );
    const attribute = { value: 'x', type: '1.2.3' };
    expect(
      canonicalContent({ subject_dn: { email: 'a', extra_attributes: [attribute], locality: 'b' }, san: {} }),
    ).toBe('{"san":{},"subject_dn":{"email":"a","extra_attributes":[{"type":"1.2.3","value":"x"}],"locality":"b"}}');
  });

  it.each([
    [
      'members of an attribute in another order',
      '{"san":{"other_names":[{"value":"x","type":"1.2"}]},"subject_dn":{}}',
    ],
    ['an attribute with a third member', '{"san":{"other_names":[{"type":"1.2","value":"x","x":1}]},"subject_dn":{}}'],
    ['what is not JSON', '{'],
    ['a list', '[]'],
    ['an unknown member', '{"san":{},"subject_dn":{},"x":1}'],
    ['an unknown field', '{"san":{},"subject_dn":{"title":"x"}}'],
    ['another order', '{"subject_dn":{},"san":{}}'],
    ['blanks', '{"san":{}, "subject_dn":{}}'],
    ['a doubled field', '{"san":{},"subject_dn":{"country":"AT","country":"DE"}}'],
    ['an empty list', '{"san":{"uris":[]},"subject_dn":{}}'],
    ['ends in another form', '{"san":{},"subject_dn":{},"validity":{"not_after":"2026-11-21T08:00:00.000Z"}}'],
    ['no ends', '{"san":{},"subject_dn":{},"validity":{}}'],
    ['a number', '{"san":{},"subject_dn":{"country":1}}'],
    ['a part missing', '{"subject_dn":{}}'],
  ])('is not read from %s', (_name, text) => {
    refusal(() => parseContent(text), 'body-invalid');
  });
});

it('ends asked for are part of the content, and stay when statics come in', () => {
  const validity = { not_before: '2026-11-21T08:00:00Z', not_after: '2026-11-22T08:00:00Z' };
  const content: RequestContent = { subject_dn: { common_name: 'x' }, san: {}, validity };
  const text = canonicalContent(content);
  expect(text).toMatch(/"validity":\{"not_after":"2026-11-22T08:00:00Z","not_before":"2026-11-21T08:00:00Z"\}\}$/);
  expect(parseContent(text)).toEqual(content);
  expect(canonicalContent({ ...content, validity: {} })).toBe(canonicalContent({ ...content, validity: undefined }));
});

describe('applyStatics', () => {
  const document = checkProfile({
    name: 'a',
    ca: 'b',
    purpose: 'subscriber',
    validity_seconds: 600,
    subject: { common_name: 'required', country: { static: 'DE' }, organizational_unit: { static: 'Unit' } },
    keys: ['ec-p256'],
    key_usage: ['digitalSignature'],
  });

  it('puts the profile’s own fields in, once and for all', () => {
    const content: RequestContent = { subject_dn: { common_name: 'x' }, san: {} };
    const applied = applyStatics(document, content);
    const validity = { not_after: '2026-11-22T08:00:00Z' };
    expect(applyStatics(document, { ...content, validity })).toEqual({ ...applied, validity });
    expect(applied.subject_dn).toEqual({ common_name: 'x', country: 'DE', organizational_unit: ['Unit'] });
    expect(applyStatics(document, applied)).toEqual(applied);
    expect(content.subject_dn).toEqual({ common_name: 'x' });
  });
});

describe('fingerprint', () => {
  it('differs when any part does, also when text moves from one part to the next', () => {
    const seen = [
      fingerprint('ab', 'c', Uint8Array.of(1, 2), 'x'),
      fingerprint('a', 'bc', Uint8Array.of(1, 2), 'x'),
      fingerprint('a', 'b,c', Uint8Array.of(1, 2), 'x'),
      fingerprint('a,b', 'c', Uint8Array.of(1, 2), 'x'),
      fingerprint('ab,1:c', '', Uint8Array.of(1, 2), 'x'),
      fingerprint('ab', 'd', Uint8Array.of(1, 2), 'x'),
      fingerprint('ab', 'c', Uint8Array.of(1, 3), 'x'),
      fingerprint('ab', 'c', Uint8Array.of(1), 'x'),
      fingerprint('ab', 'c', Uint8Array.of(1, 2), 'y'),
    ].map((bytes) => Buffer.from(bytes).toString('hex'));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen[0]).toHaveLength(64);
    expect(Buffer.from(fingerprint('ab', 'c', Buffer.of(1, 2), 'x')).toString('hex')).toBe(seen[0]);
  });
});
