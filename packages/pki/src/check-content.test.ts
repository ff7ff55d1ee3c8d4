import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkContent } from './check-content.js';
import { anyContent } from './content.test-support.js';
import { checkProfile } from './parse-profile.js';
import type { RequestContent } from './types.js';

const base = {
  name: 'a',
  ca: 'b',
  purpose: 'subscriber',
  validity_seconds: 600,
  keys: ['ec-p256'],
  key_usage: ['digitalSignature'],
};
const optional = { rule: 'optional', max: 8, reserved: 'allow' };
const document = checkProfile({
  ...base,
  subject: {
    common_name: 'required',
    organization: { static: 'Example' },
    locality: 'optional',
    organizational_unit: 'optional',
    email: 'optional',
    serial_number: 'optional',
    street_address: 'forbidden',
  },
  san: {
    dns_names: { rule: 'required', max: 2, reserved: 'allow' },
    ip_addresses: optional,
    emails: optional,
    uris: optional,
  },
});
const good: RequestContent = { subject_dn: { common_name: 'device' }, san: { dns_names: ['a.test'] } };
const withSubject = (subject: object): RequestContent => ({ ...good, subject_dn: { common_name: 'x', ...subject } });
const withSan = (san: object): RequestContent => ({ ...good, san: { dns_names: ['a.test'], ...san } });

describe('checkContent', () => {
  it('has nothing against what the profile allows', () => {
    expect(checkContent(document, good, 'ec-p256')).toEqual([]);
    const full = withSubject({ organization: 'Example', locality: 'Zürich', organizational_unit: ['a', 'b'] });
    full.san = {
      dns_names: ['xn--bcher-kva.test', 'localhost'],
      ip_addresses: ['192.0.2.1', '::1'],
      emails: ["o'neil+x@mail.test"],
      uris: ['https://a.test/b?c=d'],
    };
    expect(checkContent(document, full, 'ec-p256')).toEqual([]);
  });

  it('refuses names that others may hold, when the profile says nothing of them', () => {
    const profile = checkProfile({ ...base, subject: {}, san: { dns_names: { rule: 'optional', max: 8 } } });
    const content = { subject_dn: {}, san: { dns_names: ['a.zz', 'a.test'] } };
    expect(checkContent(profile, content, 'ec-p256').map(({ pointer }) => pointer)).toEqual(['/san/dns_names/1']);
  });

  it('tells all at once', () => {
    const bad: RequestContent = { subject_dn: { country: 'DE' }, san: {} };
    expect(checkContent(document, bad, 'rsa-2048').map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
      '/csr key-weak',
      '/subject_dn/country subject-invalid',
      '/subject_dn/common_name subject-invalid',
      '/san/dns_names subject-invalid',
    ]);
  });

  const refused: [string, RequestContent, pointer: string, RegExp][] = [
    ['a field that no rule names', withSubject({ state: 'x' }), '/subject_dn/state', /not allowed/],
    ['a forbidden field', withSubject({ street_address: 'x' }), '/subject_dn/street_address', /not allowed/],
    ['another value than the static one', withSubject({ organization: 'Other' }), '/subject_dn/organization', /set by/],
    ['an unknown field', withSubject({ title: 'x' }), '/subject_dn/title', /not a field/],
    ['a field of the prototype', withSubject(JSON.parse('{"__proto__":"x"}')), '/subject_dn/__proto__', /not a field/],
    ['an empty value', withSubject({ common_name: '' }), '/subject_dn/common_name', /./],
    ['65 characters', withSubject({ common_name: 'x'.repeat(65) }), '/subject_dn/common_name', /64/],
    ['65 characters beyond the plane', withSubject({ common_name: '𝄞'.repeat(65) }), '/subject_dn/common_name', /64/],
    ['a NUL', withSubject({ common_name: 'a\0b' }), '/subject_dn/common_name', /control/],
    ['a newline', withSubject({ common_name: 'a\nb' }), '/subject_dn/common_name', /control/],
    ['half a surrogate pair', withSubject({ common_name: 'a\ud800' }), '/subject_dn/common_name', /control/],
    ['a mark that turns the direction', withSubject({ common_name: 'a\u202eb' }), '/subject_dn/common_name', /control/],
    ['a blank at the end', withSubject({ common_name: 'a ' }), '/subject_dn/common_name', /blank/],
    ['an umlaut in a serial number', withSubject({ serial_number: 'ä' }), '/subject_dn/serial_number', /letters/],
    ['a mail address without @', withSubject({ email: 'x' }), '/subject_dn/email', /mail/],
    ['nine units', withSubject({ organizational_unit: Array(9).fill('x') }), '/subject_dn/organizational_unit', /8/],
    ['a bad unit', withSubject({ organizational_unit: ['a', ''] }), '/subject_dn/organizational_unit/1', /empty/],
    ['three names of two', withSan({ dns_names: ['a', 'b', 'c'] }), '/san/dns_names', /at most 2/],
    ['a name twice', withSan({ dns_names: ['a', 'a'] }), '/san/dns_names/1', /twice/],
    ['an address twice', withSan({ ip_addresses: ['::1', '0::1'] }), '/san/ip_addresses/1', /twice/],
    ['an unknown kind of name', withSan({ others: ['x'] }), '/san/others', /not a field/],
    ['a wildcard', withSan({ dns_names: ['*.a'] }), '/san/dns_names/0', /wildcard/],
    ['a U-label', withSan({ dns_names: ['bücher.test'] }), '/san/dns_names/0', /A-labels/],
    ['capitals', withSan({ dns_names: ['A.test'] }), '/san/dns_names/0', /lower case/],
    ['a dot at the end', withSan({ dns_names: ['a.test.'] }), '/san/dns_names/0', /A-labels/],
    ['a hyphen at the start', withSan({ dns_names: ['-a.test'] }), '/san/dns_names/0', /A-labels/],
    ['a label of 64', withSan({ dns_names: ['a'.repeat(64)] }), '/san/dns_names/0', /A-labels/],
    ['a name of 254', withSan({ dns_names: [`${'a.'.repeat(126)}aa`] }), '/san/dns_names/0', /253/],
    ['an underscore', withSan({ dns_names: ['a_b.test'] }), '/san/dns_names/0', /A-labels/],
    ['an A-label of nothing', withSan({ dns_names: ['xn--.test'] }), '/san/dns_names/0', /A-labels/],
    ['an A-label that does not decode', withSan({ dns_names: ['xn--abc.test'] }), '/san/dns_names/0', /IDNA/],
    ['an A-label of ASCII', withSan({ dns_names: ['xn--abc-.test'] }), '/san/dns_names/0', /A-labels/],
    ['an A-label of a picture', withSan({ dns_names: ['xn--ls8h.test'] }), '/san/dns_names/0', /IDNA/],
    ['a reserved label', withSan({ dns_names: ['ab--c.test'] }), '/san/dns_names/0', /IDNA/],
    ['a mail at such a label', withSan({ emails: ['a@xn--abc.test'] }), '/san/emails/0', /IDNA/],
    ['an address as a DNS name', withSan({ dns_names: ['192.0.2.1'] }), '/san/dns_names/0', /number/],
    ['a name that ends in a hexadecimal number', withSan({ dns_names: ['a.0x1f'] }), '/san/dns_names/0', /number/],
    ['an address with a zone', withSan({ ip_addresses: ['fe80::1%eth0'] }), '/san/ip_addresses/0', /IPv4/],
    ['an address in octal', withSan({ ip_addresses: ['010.0.0.1'] }), '/san/ip_addresses/0', /IPv4/],
    ['a network', withSan({ ip_addresses: ['10.0.0.0/8'] }), '/san/ip_addresses/0', /IPv4/],
    ['a mail without a host', withSan({ emails: ['a@'] }), '/san/emails/0', /domain/],
    ['a mail with two dots', withSan({ emails: ['a..b@c'] }), '/san/emails/0', /mail/],
    ['a mail with a name', withSan({ emails: ['A <a@b>'] }), '/san/emails/0', /mail/],
    ['a javascript URI', withSan({ uris: ['javascript:x'] }), '/san/uris/0', /http/],
    ['a URI with a blank', withSan({ uris: ['http://a/ b'] }), '/san/uris/0', /ASCII/],
    ['a URI with credentials', withSan({ uris: ['http://a:b@c/'] }), '/san/uris/0', /credentials/],
  ];
  it.each(refused)('refuses %s', (_name, content, pointer, detail) => {
    expect(checkContent(document, content, 'ec-p256')).toContainEqual({
      pointer,
      code: expect.any(String),
      detail: expect.stringMatching(detail),
    });
  });

  it('holds fields to what the profile says of them', () => {
    const rule = (more: object) => ({ rule: 'optional', ...more });
    const subject = {
      common_name: { rule: 'required', format: 'dns-name' },
      organization: rule({ max_characters: 3 }),
      organizational_unit: rule({ max: 1, format: 'letters-digits' }),
      serial_number: rule({ format: 'uuid' }),
      locality: rule({ format: 'identifier' }),
      state: rule({ format: 'digits' }),
      street_address: rule({ format: 'hex' }),
      email: rule({ format: 'email' }),
    };
    const profile = checkProfile({ ...base, subject });
    const found = (subject_dn: object) =>
      checkContent(profile, { subject_dn, san: {} }, 'ec-p256').map(({ pointer, detail }) => `${pointer} ${detail}`);
    const fine = {
      common_name: 'a.test',
      organization: 'äöü',
      organizational_unit: ['Unit7'],
      serial_number: '01234567-89ab-cdef-0123-456789abcdef',
      locality: 'room_4.a',
      state: '0815',
      street_address: 'c0ffee',
      email: 'a@b.test',
    };
    expect(found(fine)).toEqual([]);
    expect(found({})).toContain('/subject_dn/common_name is required by the profile');
    const wrong = {
      common_name: 'A b',
      organization: 'äöüß',
      organizational_unit: ['a', 'b c'],
      serial_number: fine.serial_number.toUpperCase(),
      locality: '-x',
      state: '8x',
      street_address: 'C0',
      email: 'a@b@c',
    };
    expect(found(wrong).map((text) => text.split(' ')[0])).toEqual([
      '/subject_dn/state',
      '/subject_dn/locality',
      '/subject_dn/street_address',
      '/subject_dn/organization',
      '/subject_dn/organizational_unit',
      '/subject_dn/organizational_unit/1',
      '/subject_dn/common_name',
      '/subject_dn/serial_number',
      '/subject_dn/email',
    ]);
  });

  it.each([
    ['*.a.test', true],
    ['*.b.c.test', true],
    ['a.test', true],
    ['*.test', false],
    ['*', false],
    ['*.', false],
    ['a.*.test', false],
    ['*a.test', false],
    ['*.*.a.test', false],
    ['*.a_b.test', false],
  ])('takes wildcards where the profile says so: %s, %s', (name, isTaken) => {
    const san = { dns_names: { ...optional, wildcards: true } };
    const content = { subject_dn: {}, san: { dns_names: [name] } };
    const found = checkContent(checkProfile({ ...base, subject: {}, san }), content, 'ec-p256');
    expect(found.map(({ pointer }) => pointer)).toEqual(isTaken ? [] : ['/san/dns_names/0']);
  });

  it('holds extra attributes and other names to the rules of their numbers', () => {
    const [given, upn, guid] = ['2.5.4.42', '1.3.6.1.4.1.311.20.2.3', '1.3.6.1.4.1.99999.5'];
    const profile = checkProfile({
      ...base,
      subject: { common_name: 'optional' },
      extra_attributes: [{ oid: given, rule: 'required', type: 'printable', max_characters: 5 }],
      other_names: [
        { oid: upn, rule: 'optional', type: 'utf8', max: 2, format: 'email' },
        { oid: guid, rule: 'optional', type: 'ia5' },
      ],
    });
    const found = (attributes: [string, string][], names: [string, string][]) => {
      const list = (pairs: [string, string][]) => pairs.map(([type, value]) => ({ type, value }));
      const content = { subject_dn: { extra_attributes: list(attributes) }, san: { other_names: list(names) } };
      return checkContent(profile, content, 'ec-p256').map(({ pointer, detail }) => `${pointer} ${detail}`);
    };
    expect(
      found(
        [[given, 'Anna']],
        [
          [upn, 'a@b.test'],
          [guid, '7'],
          [upn, 'c@b.test'],
        ],
      ),
    ).toEqual([]);
    expect(found([], [])).toContainEqual(`/subject_dn/extra_attributes ${given} is required by the profile`);
    expect(
      found(
        [
          [given, 'Anna M'],
          [given, 'Änn'],
          ['2.5.4.3', 'x'],
        ],
        [
          [upn, 'a@b.test'],
          [upn, 'a@b.test'],
          [upn, 'x'],
          [guid, 'a\u007f'],
          [guid, 'ä'],
          [guid, ''],
        ],
      ),
    ).toEqual([
      `/subject_dn/extra_attributes ${given} may stand there 1 times at most`,
      '/subject_dn/extra_attributes/0/value must have at most 5 characters',
      "/subject_dn/extra_attributes/1/value may only hold letters, digits, blanks and '()+,-./:=?",
      '/subject_dn/extra_attributes/2/type is not allowed by the profile',
      `/san/other_names ${upn} may stand there 2 times at most`,
      `/san/other_names ${guid} may stand there 1 times at most`,
      '/san/other_names/1/value stands there twice',
      '/san/other_names/2/value must be an ASCII mail address',
      '/san/other_names/3/value must not hold control characters or invisible ones',
      '/san/other_names/4/value must be printable ASCII',
      '/san/other_names/5/value must not be empty',
    ]);
    expect(checkContent(document, withSan({ other_names: [{ type: upn, value: 'x' }] }), 'ec-p256')).toHaveLength(1);
  });

  it('takes no value beside a static one', () => {
    const profile = checkProfile({ ...base, subject: { organizational_unit: { static: 'Unit' } } });
    const units = (...organizational_unit: string[]): RequestContent => ({
      subject_dn: { organizational_unit },
      san: {},
    });
    expect(checkContent(profile, units('Unit'), 'ec-p256')).toEqual([]);
    expect(checkContent(profile, units('Unit', 'Other'), 'ec-p256')).toHaveLength(1);
  });

  it('wants a certificate to name somebody', () => {
    const nameless: RequestContent = { subject_dn: {}, san: {} };
    const free = checkProfile({ ...base, subject: { common_name: 'optional' }, san: { dns_names: optional } });
    const pointers = (profile: typeof free, content: RequestContent) =>
      checkContent(profile, content, 'ec-p256').map(({ pointer }) => pointer);
    expect(pointers(free, nameless)).toEqual(['/subject_dn']);
    expect(pointers(free, { subject_dn: {}, san: { dns_names: ['a.test'] } })).toEqual([]);
    expect(pointers(free, { subject_dn: { common_name: 'x' }, san: {} })).toEqual([]);
    expect(pointers(checkProfile({ ...base, subject: { country: { static: 'DE' } } }), nameless)).toEqual([]);
    const ca = { ...free, purpose: 'ca-certificate' as const };
    expect(pointers(ca, { subject_dn: {}, san: { dns_names: ['a.test'] } })).toEqual(['/subject_dn']);
  });

  it('takes every value that the table allows', () => {
    const open = checkProfile({
      ...base,
      subject: Object.fromEntries(
        'country state locality street_address organization organizational_unit common_name email serial_number'
          .split(' ')
          .map((field) => [field, 'optional']),
      ),
      san: { dns_names: optional, emails: optional, ip_addresses: optional, uris: optional },
    });
    fc.assert(
      fc.property(anyContent, (content) => {
        const nameless = Object.keys({ ...content.subject_dn, ...content.san }).length === 0;
        expect(checkContent(open, content, 'ec-p256').length).toBe(nameless ? 1 : 0);
      }),
    );
  });
});
