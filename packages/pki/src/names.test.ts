import { domainToASCII } from 'node:url';
import { describe, expect, it } from 'vitest';
import { dnsNameFault } from './name-faults.js';
import { subjectValueFault } from './subject.js';
import { sanValueFault } from './subject-alternative-names.js';
import { uriFault } from './uri-fault.js';

describe('reserved names', () => {
  it.each([
    [
      'dns_names',
      'a.test',
      'a.example',
      'x.example.com',
      'example.org',
      'a.b.localhost',
      'printer.local',
      'a.internal',
    ],
    [
      'dns_names',
      'a.invalid',
      'a.onion',
      'a.alt',
      'nas.home.arpa',
      '1.2.0.192.in-addr.arpa',
      '8.b.ip6.arpa',
      'intranet',
    ],
    ['dns_names', '*.example.com', '*.a.test'],
    ['emails', 'a@intranet', 'a@b.test', 'root@localhost'],
    ['ip_addresses', '10.0.0.1', '127.0.0.1', '0.0.0.0', '192.168.1.1', '172.31.255.255', '192.0.2.1', '224.0.0.1'],
    ['ip_addresses', '255.255.255.255', '169.254.169.254', '100.64.0.1', '::', '::1', '::ffff:8.8.8.8', 'fe80::1'],
    ['ip_addresses', 'fd00::1', '2001:db8::1', 'ff02::1', '2002::1'],
    ['uris', 'https://intranet/', 'https://a.test/', 'http://127.0.0.1:8080/', 'https://[::1]/', 'https://10.1.1.1'],
  ] as const)('%s are refused, unless the profile allows them: %s', (field, ...names) => {
    for (const name of names) {
      expect([name, sanValueFault(field, name, { wildcards: true })]).toEqual([
        name,
        expect.stringMatching(/reserved/),
      ]);
      expect([name, sanValueFault(field, name, { wildcards: true, reserved: 'refuse' })?.slice(0, 11)]).toEqual([
        ...[name, 'is reserved'],
      ]);
      expect([name, sanValueFault(field, name, { wildcards: true, reserved: 'allow' })]).toEqual([name, undefined]);
    }
  });

  it.each([
    ['dns_names', 'sluice.zz', 'example.zz', 'notexample.com', 'test.zz', '*.sluice.zz', 'local.zz', 'a.arpa'],
    ['emails', 'test@sluice.zz'],
    ['ip_addresses', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2001:4860::8'],
    ['uris', 'https://sluice.zz/', 'https://8.8.8.8/', 'https://[2606:4700::1111]:8443/x'],
  ] as const)('%s of one holder are not: %s', (field, ...names) => {
    for (const name of names) {
      expect([name, sanValueFault(field, name, { wildcards: true })]).toEqual([name, undefined]);
    }
  });

  it.each(['1.2.3.4', '1.2.3', 'a.7', 'a.0x7f', 'a.0x'])('an address is no DNS name: %s', (name) => {
    expect(sanValueFault('dns_names', name, { reserved: 'allow' })).toMatch(/number/);
  });
});

describe('A-labels', () => {
  it.each([
    ['Latin with a Cyrillic a', 'pаypal.zz'],
    ['Latin with a Greek o', 'gοogle.zz'],
    ['Cyrillic drawn as Latin', 'аррӏе.zz'],
    ['Greek drawn as Latin', 'οκαι.zz'],
    ['Cyrillic drawn as Latin, below another script', 'аррӏе.中国'],
    ['Latin with Armenian', 'օk.zz'],
  ])('are refused when they look like others: %s', (_name, name) => {
    expect(dnsNameFault(domainToASCII(name))).toMatch(/looks like another/);
  });

  it.each([
    'bücher.zz',
    'δοκιμή.zz',
    'привет.zz',
    '中国.zz',
    'tシャツ.zz',
    '한국abc.zz',
    'สวัสดี.zz',
    'хор.рф',
    'col·lecció.zz',
  ])('are taken: %s', (name) => {
    expect(dnsNameFault(domainToASCII(name))).toBeUndefined();
  });

  it.each(['a·b.zz', '׳א.zz', '͵a.zz', 'a・b.zz'])('hold a sign only where it has its place: %s', (name) => {
    expect(dnsNameFault(domainToASCII(name))).toMatch(/IDNA/);
  });
});

describe('text of a subject', () => {
  it.each([
    ['a zero-width space', 'Pay\u200bPal'],
    ['a soft hyphen', 'Pay\u00adPal'],
    ['a mark that turns the direction', 'a\u202eb'],
    ['an Arabic letter mark', 'a\u061cb'],
    ['a joiner between Latin letters', 'a\u200db'],
    ['a Hangul filler', 'a\u3164b'],
    ['a byte order mark', 'a\ufeffb'],
    ['a tag', 'a\u{e0041}b'],
    ['a no-break space', 'a\u00a0b'],
    ['a private character', 'a\ue000b'],
    ['a noncharacter', 'a\uffffb'],
    ['a line separator', 'a\u2028b'],
  ])('holds nothing that cannot be seen: %s', (_name, value) => {
    expect(subjectValueFault('common_name', value)).toMatch(/invisible/);
    expect(subjectValueFault('organization', value)).toMatch(/invisible/);
  });

  it.each(['Pаypal', 'Αpple Inc', 'x-Яx'])('mixes no scripts in a word: %s', (value) => {
    expect(subjectValueFault('common_name', value)).toMatch(/mix scripts/);
  });

  it.each([
    ...[
      'Ромашка (Romashka)',
      'Zürich',
      'Ελλάδα A.E.',
      'Tシャツ株式会社',
      '株式会社　日本',
      'می\u200cخواهم',
      'क्\u200dष',
      '5 µm',
    ],
    ...['O’Neil & Sons', 'E\u0301cole', '👩 and 𝄞', 'Ωmega'.replace('Ω', 'Ω '), '한국 전력'],
  ])('is otherwise in any script: %s', (value) => {
    expect(subjectValueFault('organization', value)).toBeUndefined();
  });

  it.each(['a@b@c.zz', 'a@', '@b.zz', 'a@b_c.zz', 'a..b@c.zz', 'a@B.zz', 'a b@c.zz', 'a@1.2.3.4'])(
    'a mail address in it is one: %s',
    (value) => {
      expect(subjectValueFault('email', value)).toMatch(/mail address|domain/);
    },
  );
});

describe('a URI', () => {
  it.each([
    ...['https:///x', 'https://', 'http:/a.zz', 'https:a.zz', 'HTTPS://a.zz/', 'ftp://a.zz/', '//a.zz/', 'https://?x'],
    ...[
      'https://a.zz\\x',
      'https://a.zz/<x>',
      'https://a.zz/^',
      'https://a.zz/`',
      'https://a.zz/{x}',
      'https://a.zz/|',
    ],
    ...[
      'https://a.zz/%',
      'https://a.zz/%zz',
      'https://a.zz/"',
      'https://a.zz/[x]',
      'https://a.zz/#a#b',
      'https://a.zz/ x',
    ],
    ...[
      'https://a_b.zz/',
      'https://A.zz/',
      'https://a..zz/',
      'https://a.zz:/x',
      'https://a.zz:0/',
      'https://a.zz:65536/',
    ],
    ...[
      'https://[1.2.3.4]/',
      'https://[::1',
      'https://[fe80::1%25eth0]/',
      'https://[v1.x]/',
      'https://1.2.3/',
      'https://0x7f.1/',
    ],
    ...['https://a.zz:8o/', 'https://xn--abc.zz/', 'https://%61.zz/', 'https://a.zz:80:80/'],
  ])('is refused: %s', (value) => {
    expect(uriFault(value)).toMatch(/^must/);
  });

  it.each(['https://u@a.zz/', 'https://u:p@a.zz/', 'https://@a.zz/'])('holds no credentials: %s', (value) => {
    expect(uriFault(value)).toMatch(/credentials/);
  });

  it.each([
    ...['https://a.zz', 'http://a.zz/', 'https://a.zz:8443/x', 'https://a.zz?q', 'https://a.zz#f', 'https://a.zz/?#'],
    ...["https://a.zz/~a/b;c=1/@:!$&'()*+,/%C3%A4?x=/?&y#/?", 'https://1.2.3.4/', 'https://[2001:db8::1]:65535/x//y'],
    ...['https://xn--bcher-kva.zz/', `https://a.zz/${'p'.repeat(2035)}`],
  ])('is taken: %s', (value) => {
    expect(uriFault(value)).toBeUndefined();
  });

  it('costs no more than its length', () => {
    for (const text of ['/', '?', '#', '%', '%61', ':', '[', '@', 'a.', '-']) {
      const startedAt = performance.now();
      uriFault(`https://a.zz/${text.repeat(2000 / text.length)}\u0001`);
      uriFault(`https://${text.repeat(2000 / text.length)}\u0001`);
      expect(performance.now() - startedAt).toBeLessThan(250);
    }
  });
});
