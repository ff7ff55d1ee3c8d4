import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ProfileDocument, parseProfile } from '@sluice/pki';

const folder = fileURLToPath(new URL('../../infra/profiles/', import.meta.url));

/** Every field, every kind of name, every extension, at its widest. */
const everything = {
  name: 'everything',
  ca: 'ca-p384',
  purpose: 'subscriber',
  validity_seconds: 86_400,
  backdate_seconds: 86_000,
  requested_validity: { min_seconds: 60, max_seconds: 200_000, back_seconds: 3000, ahead_seconds: 86_400 },
  subject: {
    country: 'optional',
    state: 'optional',
    locality: { rule: 'optional', max_characters: 100 },
    street_address: 'optional',
    organization: { rule: 'optional', max_characters: 3 },
    organizational_unit: { rule: 'optional', max: 8, format: 'letters-digits' },
    common_name: 'optional',
    email: 'optional',
    serial_number: { rule: 'required', format: 'hex' },
  },
  // Types that OpenSSL, GnuTLS and Node know, and one that nobody does.
  extra_attributes: [
    { oid: '2.5.4.42', rule: 'required', type: 'utf8', max: 1, max_characters: 64 },
    { oid: '2.5.4.97', rule: 'optional', type: 'printable', max: 1 },
    { oid: '0.9.2342.19200300.100.1.25', rule: 'optional', type: 'ia5', max: 3, format: 'dns-name' },
    { oid: '1.3.6.1.4.1.99999.7', rule: 'optional', type: 'utf8', max: 20, format: 'digits' },
  ],
  san: {
    dns_names: { rule: 'optional', max: 100, wildcards: true, reserved: 'allow' },
    emails: { rule: 'optional', max: 100, reserved: 'allow' },
    ip_addresses: { rule: 'optional', max: 100, reserved: 'allow' },
    uris: { rule: 'optional', max: 100, reserved: 'allow' },
  },
  other_names: [
    { oid: '1.3.6.1.4.1.311.20.2.3', rule: 'optional', type: 'utf8', max: 2, format: 'email' },
    { oid: '1.3.6.1.4.1.99999.8', rule: 'optional', type: 'ia5', max: 5 },
  ],
  keys: ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519', 'rsa-2048', 'rsa-3072', 'rsa-4096'],
  key_usage: ['nonRepudiation', 'digitalSignature'],
  extended_key_usage: ['clientAuth', '1.3.6.1.4.1.99999.3', 'serverAuth'],
  policies: [
    '1.3.6.1.4.1.99999.1',
    { oid: '1.3.6.1.4.1.99999.2' },
    { oid: '2.999.1', cps: 'https://example.test/cps' },
  ],
  aia: { ca_issuers: 'http://pki.example.test/ca.cer' },
  extensions: [
    { oid: '1.3.6.1.4.1.99999.10', type: 'utf8', value: 'grün' },
    { oid: '1.3.6.1.4.1.99999.11', type: 'ia5', value: 'green' },
    { oid: '1.3.6.1.4.1.99999.12', type: 'oid', value: '2.999.3' },
    { oid: '1.3.6.1.4.1.99999.13', type: 'integer', value: 200 },
    { oid: '1.3.6.1.4.1.99999.14', type: 'boolean', value: true },
    { oid: '1.3.6.1.4.1.99999.15', type: 'null' },
    { oid: '1.3.6.1.4.1.99999.16', type: 'hex', value: '30060c01610c0162' },
  ],
};

/** Nobody has to be named in the subject: its names stand in a critical SAN then. */
const namesOnly = {
  name: 'names-only',
  ca: 'ca-ed25519',
  purpose: 'subscriber',
  validity_seconds: 3600,
  subject: { common_name: 'optional' },
  san: {
    dns_names: { rule: 'required', max: 2, wildcards: true, reserved: 'allow' },
    ip_addresses: { rule: 'optional', max: 2 },
  },
  keys: ['ec-p256', 'ed25519'],
  key_usage: ['digitalSignature'],
};

/** Its own words, and nearly nothing of the client's. */
const statics = {
  name: 'statics',
  ca: 'ca-rsa',
  purpose: 'subscriber',
  validity_seconds: 60,
  subject: {
    country: { static: 'CH' },
    locality: { static: 'Zürich' },
    organizational_unit: { static: 'Unit' },
    email: { static: 'a@example.test' },
    common_name: { rule: 'optional', format: 'dns-name', max_characters: 20 },
  },
  keys: ['rsa-2048', 'rsa-4096'],
  key_usage: ['digitalSignature', 'keyEncipherment', 'dataEncipherment'],
};

/** The examples of infra/profiles, by name. */
export function exampleProfiles(): readonly { readonly text: string; readonly document: ProfileDocument }[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names.map((name) => {
    const text = readFileSync(`${folder}${name}`, 'utf8');
    return { text, document: parseProfile(text) };
  });
}

/** Profiles made for these tests: what the examples leave out. */
export function widerProfiles(): readonly { readonly text: string; readonly document: ProfileDocument }[] {
  return [everything, namesOnly, statics].map((profile) => {
    const text = JSON.stringify(profile);
    return { text, document: parseProfile(text) };
  });
}
