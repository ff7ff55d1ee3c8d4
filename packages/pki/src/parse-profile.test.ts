import { describe, expect, it } from 'vitest';
import { checkProfile, type ProfileFinding, parseProfile, profileFindingLines } from './parse-profile.js';
import { refusal } from './sluice-error.test-support.js';

const subscriber = {
  name: 'tls-client',
  ca: 'issuing-1',
  purpose: 'subscriber',
  validity_seconds: 600,
  subject: { common_name: 'required' },
  keys: ['ec-p256'],
  key_usage: ['digitalSignature'],
};
const ca = {
  ...subscriber,
  purpose: 'ca-certificate',
  key_usage: ['keyCertSign', 'cRLSign'],
  basic_constraints: { ca: true, path_length: 0 },
};
const ocspSigner = { ...subscriber, purpose: 'ocsp-signer', extended_key_usage: ['OCSPSigning'] };

/** A profile with these extensions of its own. */
function own(...extensions: object[]): object {
  return { ...subscriber, extensions: extensions.map((extension) => ({ oid: '1.3.6.1.4.1.99999.7', ...extension })) };
}

function typed(oid: string): object {
  return { oid, rule: 'optional', type: 'utf8' };
}

function findingsOf(work: () => unknown): ProfileFinding[] {
  return refusal(work, 'profile-invalid').facts.findings as ProfileFinding[];
}

const ends = { min_seconds: 60, max_seconds: 86_400 };

describe('parseProfile', () => {
  it('reads YAML 1.2 and puts the defaults in', () => {
    const yaml = `
# comments are kept out
name: tls-client
ca: issuing-1
purpose: subscriber
validity_seconds: 600
subject:
  common_name: required
  country: {static: NO}
keys: [ec-p256, rsa-2048]
key_usage: [digitalSignature]
`;
    expect(parseProfile(yaml)).toEqual({
      ...subscriber,
      subject: { common_name: 'required', country: { static: 'NO' } },
      keys: ['ec-p256', 'rsa-2048'],
      backdate_seconds: 0,
      time_to_live_seconds: 86_400,
      san: {},
      policies: [],
      extended_key_usage: [],
    });
  });

  it('tells every fault at once, with its line and column', () => {
    const yaml = `name: tls-client
ca: issuing-1
purpose: subscriber
validity_seconds: 600
backdate_seconds: 90000
colour: blue
subject:
  common_name: perhaps
keys: [ec-p256, dsa]
key_usage: [digitalSignature]
`;
    expect(findingsOf(() => parseProfile(yaml))).toEqual([
      expect.objectContaining({ path: '/backdate_seconds', line: 5, column: 19 }),
      expect.objectContaining({ path: '/subject/common_name', line: 8, column: 16 }),
      expect.objectContaining({ path: '/keys/1', line: 9, column: 17 }),
      expect.objectContaining({ path: '/colour', line: 6, column: 9, detail: 'is not a member of a profile' }),
    ]);
  });

  it('tells what is wrong between the sound members beside what is wrong in one', () => {
    const document = { ...subscriber, keys: ['dsa'], validity_seconds: 'x', backdate_seconds: 3600, colour: 1 };
    const key_usage = ['digitalSignature', 'keyCertSign', 'keyAgreement'];
    const text = JSON.stringify({ ...document, key_usage, policies: ['x'] });
    expect(
      profileFindingLines(
        'a.yaml',
        findingsOf(() => parseProfile(text)),
      ),
    ).toEqual([
      expect.stringMatching(/^a\.yaml:1:\d+: \/validity_seconds /),
      expect.stringMatching(/^a\.yaml:1:\d+: \/keys\/0 /),
      expect.stringMatching(/^a\.yaml:1:\d+: \/colour is not a member of a profile$/),
      expect.stringMatching(/^a\.yaml:1:\d+: \/key_usage\/1 is for ca-certificate profiles only$/),
      expect.stringMatching(/^a\.yaml:1:\d+: \/policies\/0 must be a dotted/),
    ]);
    const unplaced = findingsOf(() => checkProfile({ ...subscriber, policies: ['x'] }));
    expect(profileFindingLines('a', unplaced)).toEqual(['a: /policies/0 must be a dotted OBJECT IDENTIFIER']);
    expect(findingsOf(() => checkProfile({ ...ca, purpose: 'x' })).map(({ path }) => path)).toEqual(['/purpose']);
  });

  it('places what only the parts together make wrong', () => {
    const yaml = JSON.stringify({ ...subscriber, key_usage: ['digitalSignature', 'keyCertSign'] }, null, 1);
    expect(findingsOf(() => parseProfile(yaml))).toEqual([
      { path: '/key_usage/1', line: 14, column: 3, detail: 'is for ca-certificate profiles only' },
    ]);
  });

  it.each([
    ['nothing', '', /./],
    ['a broken document', 'name: [', /./],
    ['a doubled key', 'name: a\nname: b', /unique/],
    ['two documents', 'name: a\n---\nname: b', /multiple documents/],
    ['an alias', 'name: &a x\nca: *a', /aliases/],
    ['a billion laughs', `a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]`, /aliases/],
    ['a tag', 'name: !!js/function "x"', /tag/],
    ['a list', '- name', /expected object/],
    ['too much', `description: ${'x'.repeat(70_000)}`, /characters/],
  ])('refuses %s', (_name, yaml, message) => {
    expect(refusal(() => parseProfile(yaml), 'profile-invalid').message).toMatch(message);
  });
});

describe('checkProfile', () => {
  it.each([
    ['subscriber', subscriber],
    ['ca-certificate', ca],
    ['ocsp-signer', ocspSigner],
  ])('takes a %s profile, and what it gave back', (_name, document) => {
    const checked = checkProfile(document);
    expect(checked).toMatchObject(document);
    expect(checkProfile(JSON.parse(JSON.stringify(checked)))).toEqual(checked);
  });

  const refused: [string, object, path: string, RegExp][] = [
    ['a name in capitals', { ...subscriber, name: 'TLS' }, '/name', /a-z/],
    ['an unknown purpose', { ...subscriber, purpose: 'crl' }, '/purpose', /./],
    ['a validity below a minute', { ...subscriber, validity_seconds: 59 }, '/validity_seconds', /60/],
    ['a validity of 11 years', { ...subscriber, validity_seconds: 11 * 366 * 86_400 }, '/validity_seconds', /3660/],
    ['an OCSP signer for a year', { ...ocspSigner, validity_seconds: 365 * 86_400 }, '/validity_seconds', /90 days/],
    ['a CA for 41 years', { ...ca, validity_seconds: 41 * 366 * 86_400 }, '/validity_seconds', /14640/],
    ['a validity that is no integer', { ...subscriber, validity_seconds: 600.5 }, '/validity_seconds', /./],
    ['a start more than a day back', { ...subscriber, backdate_seconds: 86_401 }, '/backdate_seconds', /86400/],
    ['ends for an OCSP signer', { ...ocspSigner, requested_validity: ends }, '/requested_validity', /subscriber/],
    [
      'a life of 11 years to ask for',
      { ...subscriber, requested_validity: { ...ends, max_seconds: 11 * 366 * 86_400 } },
      '/requested_validity/max_seconds',
      /3660/,
    ],
    [
      'bounds that leave nothing',
      { ...subscriber, requested_validity: { ...ends, min_seconds: 86_401 } },
      '/requested_validity/min_seconds',
      /more than/,
    ],
    [
      'a usual life beyond what may be asked for',
      { ...subscriber, requested_validity: ends, validity_seconds: 86_401 },
      '/validity_seconds',
      /86400/,
    ],
    ['a start before a whole life', { ...subscriber, backdate_seconds: 600 }, '/backdate_seconds', /less than/],
    ['no keys', { ...subscriber, keys: [] }, '/keys', /./],
    ['a key kind twice', { ...subscriber, keys: ['ec-p256', 'ec-p256'] }, '/keys/1', /twice/],
    [
      'a static value no Name holds',
      { ...subscriber, subject: { country: { static: 'de' } } },
      '/subject/country/static',
      /capital/,
    ],
    [
      'a static value with a control',
      { ...subscriber, subject: { locality: { static: 'a\0' } } },
      '/subject/locality/static',
      /control/,
    ],
    ['an unknown subject field', { ...subscriber, subject: { title: 'required' } }, '/subject/title', /member/],
    [
      'names allowed, none of them',
      { ...subscriber, san: { uris: { rule: 'optional', max: 0 } } },
      '/san/uris/max',
      /at least 1/,
    ],
    [
      'a format that there is not',
      { ...subscriber, subject: { state: { rule: 'optional', format: 'x' } } },
      '/subject/state',
      /formats/,
    ],
    [
      'several values for one field',
      { ...subscriber, subject: { state: { rule: 'optional', max: 2 } } },
      '/subject/state/max',
      /member/,
    ],
    [
      'wildcards in mail',
      { ...subscriber, san: { emails: { rule: 'optional', max: 1, wildcards: true } } },
      '/san/emails/wildcards',
      /member/,
    ],
    [
      'an attribute that has a field',
      { ...subscriber, extra_attributes: [typed('2.5.4.3')] },
      '/extra_attributes/0/oid',
      /field/,
    ],
    [
      'the mail attribute',
      { ...subscriber, extra_attributes: [typed('1.2.840.113549.1.9.1')] },
      '/extra_attributes/0/oid',
      /field/,
    ],
    [
      'an attribute without number',
      { ...subscriber, extra_attributes: [typed('x')] },
      '/extra_attributes/0/oid',
      /dotted/,
    ],
    [
      'an other name twice',
      { ...subscriber, other_names: [typed('1.2.3'), typed('1.2.3')] },
      '/other_names/1',
      /twice/,
    ],
    [
      'an other name of no type',
      { ...subscriber, other_names: [{ oid: '1.2.3', rule: 'optional' }] },
      '/other_names/0/type',
      /utf8/,
    ],
    ['other names of an OCSP signer', { ...ocspSigner, other_names: [typed('1.2.3')] }, '/other_names', /subscriber/],
    ['extra attributes of a CA', { ...ca, extra_attributes: [typed('1.2.3')] }, '/extra_attributes', /subscriber/],
    ['keyCertSign for a subscriber', { ...subscriber, key_usage: ['keyCertSign'] }, '/key_usage/0', /ca-certificate/],
    ['cRLSign for a subscriber', { ...subscriber, key_usage: ['cRLSign'] }, '/key_usage/0', /ca-certificate/],
    ['keyEncipherment with EC', { ...subscriber, key_usage: ['keyEncipherment'] }, '/key_usage/0', /ec-p256/],
    [
      'keyAgreement with RSA',
      { ...subscriber, keys: ['rsa-2048'], key_usage: ['keyAgreement'] },
      '/key_usage/0',
      /with rsa-2048 keys/,
    ],
    [
      'keyEncipherment with one of three keys',
      { ...subscriber, keys: ['rsa-2048', 'ed25519', 'rsa-3072'], key_usage: ['keyEncipherment'] },
      '/key_usage/0',
      /with ed25519 keys/,
    ],
    [
      'keyAgreement with Ed25519',
      { ...subscriber, keys: ['ec-p521', 'ed25519'], key_usage: ['keyAgreement'] },
      '/key_usage/0',
      /with ed25519 keys/,
    ],
    ['encipherOnly alone', { ...subscriber, key_usage: ['encipherOnly'] }, '/key_usage/0', /keyAgreement/],
    [
      'any extended key usage',
      { ...subscriber, extended_key_usage: ['anyExtendedKeyUsage'] },
      '/extended_key_usage/0',
      /never/,
    ],
    ['its number', { ...subscriber, extended_key_usage: ['2.5.29.37.0'] }, '/extended_key_usage/0', /never/],
    [
      'an unknown extended key usage',
      { ...subscriber, extended_key_usage: ['tls'] },
      '/extended_key_usage/0',
      /serverAuth/,
    ],
    [
      'OCSPSigning for a subscriber',
      { ...subscriber, extended_key_usage: ['1.3.6.1.5.5.7.3.9'] },
      '/extended_key_usage/0',
      /ocsp-signer/,
    ],
    ['OCSPSigning for a CA', { ...ca, extended_key_usage: ['OCSPSigning'] }, '/extended_key_usage/0', /ocsp-signer/],
    [
      'one usage in two words',
      { ...subscriber, extended_key_usage: ['clientAuth', '1.3.6.1.5.5.7.3.2'] },
      '/extended_key_usage/1',
      /twice/,
    ],
    ['a policy that is no OID', { ...subscriber, policies: ['1.2.'] }, '/policies/0', /dotted/],
    ['a policy of an impossible arc', { ...subscriber, policies: ['1.40.1'] }, '/policies/0', /dotted/],
    [
      'a policy of an impossible arc, with a CPS',
      { ...subscriber, policies: [{ oid: '3.1' }] },
      '/policies/0/oid',
      /dotted/,
    ],
    ['one policy twice', { ...subscriber, policies: ['1.2.3', { oid: '1.2.3' }] }, '/policies/1', /twice/],
    [
      'a CPS that is no URL',
      { ...subscriber, policies: [{ oid: '1.2.3', cps: 'ftp://a/' }] },
      '/policies/0/cps',
      /https:/,
    ],
    ['a policy that is a number', { ...subscriber, policies: [1] }, '/policies/0', /OBJECT IDENTIFIER, or/],
    [
      'time stamping beside something else',
      { ...subscriber, extended_key_usage: ['clientAuth', 'timeStamping'] },
      '/extended_key_usage/1',
      /alone/,
    ],
    [
      'no revocation, and OCSP',
      { ...subscriber, no_rev_avail: true, aia: { ocsp: 'http://o/' } },
      '/no_rev_avail',
      /ocsp/,
    ],
    [
      'no revocation, and CRLs',
      { ...subscriber, no_rev_avail: true, crl_distribution_point: 'http://c/' },
      '/no_rev_avail',
      /crl/,
    ],
    ['a CA without revocation', { ...ca, no_rev_avail: true }, '/no_rev_avail', /subscriber/],
    [
      'an extension of our own OID',
      own({ oid: '2.5.29.15', type: 'hex', value: '030206c0' }),
      '/extensions/0/oid',
      /other/,
    ],
    ['an extension of the arc id-ce', own({ oid: '2.5.29.30', type: 'null' }), '/extensions/0/oid', /other/],
    ['nocheck for everybody', own({ oid: '1.3.6.1.5.5.7.48.1.5', type: 'null' }), '/extensions/0/oid', /other/],
    ['a poison', own({ oid: '1.3.6.1.4.1.11129.2.4.3', type: 'null' }), '/extensions/0/oid', /other/],
    ['an extension without a number', own({ oid: 'tls', type: 'null' }), '/extensions/0/oid', /dotted/],
    ['an extension twice', own({ type: 'null' }, { type: 'null' }), '/extensions/1', /twice/],
    ['an extension of no type', own({ type: 'real', value: 1 }), '/extensions/0/type', /utf8, ia5/],
    ['a value of another type', own({ type: 'integer', value: 'x' }), '/extensions/0/value', /number/],
    ['a null with a value', own({ type: 'null', value: 1 }), '/extensions/0/value', /member/],
    ['an OID that is none', own({ type: 'oid', value: '1' }), '/extensions/0/value', /dotted/],
    ['IA5 that is not ASCII', own({ type: 'ia5', value: 'ä' }), '/extensions/0/value', /ASCII/],
    ['UTF-8 with a control', own({ type: 'utf8', value: 'a\0' }), '/extensions/0/value', /control/],
    ['hex that is BER', own({ type: 'hex', value: '3080' + '0000' }), '/extensions/0/value', /DER/],
    ['hex with bytes after it', own({ type: 'hex', value: '050000' }), '/extensions/0/value', /DER/],
    ['hex in capitals', own({ type: 'hex', value: '0C0141' }), '/extensions/0/value', /DER/],
    [
      'an OCSP signer with its own extension',
      { ...ocspSigner, extensions: [{ oid: '1.2.3', type: 'null' }] },
      '/extensions',
      /place/,
    ],
    ['an OCSP address over https', { ...subscriber, aia: { ocsp: 'https://ocsp.test/' } }, '/aia/ocsp', /http:/],
    ['an issuer address over ldap', { ...subscriber, aia: { ca_issuers: 'ldap://x/' } }, '/aia/ca_issuers', /http:/],
    [
      'a CRL address with credentials',
      { ...subscriber, crl_distribution_point: 'http://a:b@crl.test/' },
      '/crl_distribution_point',
      /credentials/,
    ],
    [
      'a CRL address with a fragment',
      { ...subscriber, crl_distribution_point: 'http://a.test/#b' },
      '/crl_distribution_point',
      /fragment/,
    ],
    [
      'a CRL address that is no URL',
      { ...subscriber, crl_distribution_point: 'http://:80:/' },
      '/crl_distribution_point',
      /URL/,
    ],
    [
      'basic constraints for a subscriber',
      { ...subscriber, basic_constraints: { ca: true } },
      '/basic_constraints',
      /ca-certificate/,
    ],
    ['a CA without basic constraints', { ...ca, basic_constraints: undefined }, '/basic_constraints', /required/],
    ['a CA that signs no certificates', { ...ca, key_usage: ['cRLSign'] }, '/key_usage', /keyCertSign/],
    [
      'an OCSP signer that does more',
      { ...ocspSigner, key_usage: ['digitalSignature', 'nonRepudiation'] },
      '/key_usage',
      /alone/,
    ],
    [
      'an OCSP signer for clients',
      { ...ocspSigner, extended_key_usage: ['clientAuth'] },
      '/extended_key_usage',
      /alone/,
    ],
    ['an OCSP signer with names', { ...ocspSigner, san: { uris: { rule: 'optional', max: 1 } } }, '/san', /no names/],
    ['an OCSP signer with policies', { ...ocspSigner, policies: ['1.2.3'] }, '/policies', /empty/],
    ['an OCSP signer with AIA', { ...ocspSigner, aia: {} }, '/aia', /no place/],
    [
      'an OCSP signer with a CRL',
      { ...ocspSigner, crl_distribution_point: 'http://crl.test/' },
      '/crl_distribution_point',
      /no place/,
    ],
  ];
  it.each(refused)('refuses %s', (_name, document, path, detail) => {
    expect(findingsOf(() => checkProfile(document))).toContainEqual({ path, detail: expect.stringMatching(detail) });
  });
});
