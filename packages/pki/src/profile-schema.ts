import { z } from 'zod';
import { extendedKeyUsageOids, keyUsages } from './extension-names.js';
import { fieldFormats } from './field-formats.js';
import { profileKeyKinds } from './key-table.js';
import { organizationalUnitsMax } from './subject.js';
import { sanNamesMax } from './subject-alternative-names.js';
import { typedCharactersMax, typedValuesMax } from './typed-values.js';

const name = z.string().regex(/^[a-z0-9-]{1,63}$/, 'must be 1 to 63 of a-z, 0-9 and hyphen');
const url = z.string().min(1).max(512);

const fieldRule = z.union(
  [
    z.enum(['required', 'optional', 'forbidden']),
    z.strictObject({ static: z.string() }),
    z.strictObject({
      rule: z.enum(['required', 'optional']),
      format: z.enum(fieldFormats).optional(),
      max_characters: z.int().min(1).max(255).optional(),
    }),
  ],
  {
    error: `must be required, optional, forbidden, {static: text}, or {rule, format, max_characters}; formats: ${fieldFormats.join(', ')}`,
  },
);
const unitsRule = z.union(
  [
    fieldRule,
    z.strictObject({
      rule: z.enum(['required', 'optional']),
      format: z.enum(fieldFormats).optional(),
      max_characters: z.int().min(1).max(255).optional(),
      max: z.int().min(1).max(organizationalUnitsMax),
    }),
  ],
  { error: 'must be as for other fields; `max`, how many values, stands beside `rule`' },
);
const sanRule = z.strictObject({
  rule: z.enum(['required', 'optional', 'forbidden']),
  max: z.int().min(0).max(sanNamesMax),
  reserved: z
    .enum(['refuse', 'allow'])
    .optional()
    .describe(
      'Names of one label or below test, local, internal and the like (RFC 6761), private addresses (RFC 6890): refused when nothing is said.',
    ),
});

const typedRule = z.strictObject({
  oid: z.string(),
  rule: z.enum(['required', 'optional']),
  type: z.enum(['utf8', 'printable', 'ia5']),
  max: z.int().min(1).max(typedValuesMax).default(1),
  format: z.enum(fieldFormats).optional(),
  max_characters: z.int().min(1).max(typedCharactersMax).optional(),
});
const policy = z.union([z.string(), z.strictObject({ oid: z.string(), cps: url.optional() })], {
  error: 'must be a dotted OBJECT IDENTIFIER, or {oid, cps}',
});
const extension = { oid: z.string(), critical: z.boolean().default(false) };
const customExtension = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ ...extension, type: z.enum(['utf8', 'ia5', 'oid', 'hex']), value: z.string().min(1).max(8192) }),
    z.strictObject({ ...extension, type: z.literal('integer'), value: z.int().min(0) }),
    z.strictObject({ ...extension, type: z.literal('boolean'), value: z.boolean() }),
    z.strictObject({ ...extension, type: z.literal('null') }),
  ],
  { error: 'must have a type: utf8, ia5, oid, hex, integer, boolean or null' },
);

export const daySeconds = 86_400;

/** Form of a profile document. What its parts mean to each other is `profileFaults`'. */
export const profileSchema = z.strictObject({
  name: name.describe('Name of the profile: what clients ask for.'),
  ca: name.describe('The CA that signs by it.'),
  purpose: z.enum(['subscriber', 'ocsp-signer', 'ca-certificate']).describe('What the certificates are for.'),
  description: z.string().max(1000).optional(),
  validity_seconds: z.int().min(60).describe('Life of a certificate, the last second included.'),
  backdate_seconds: z
    .int()
    .min(0)
    .max(daySeconds)
    .default(0)
    .describe('How far back notBefore lies, for clocks that are slow.'),
  requested_validity: z
    .strictObject({
      min_seconds: z.int().min(60).describe('Shortest life that may be asked for, both ends inside.'),
      max_seconds: z.int().min(60).describe('Longest life that may be asked for, both ends inside.'),
      back_seconds: z.int().min(0).max(daySeconds).default(0).describe('How far back notBefore may be asked for.'),
      ahead_seconds: z
        .int()
        .min(0)
        .max(30 * daySeconds)
        .default(0)
        .describe('How far ahead notBefore may be asked for.'),
    })
    .optional()
    .describe('What a request may ask for with `validity`, seen from when it is accepted; without this, nothing.'),
  time_to_live_seconds: z
    .int()
    .min(60)
    .max(30 * daySeconds)
    .default(daySeconds)
    .describe('How long a request goes on after nobody waits for it any more.'),
  subject: z.strictObject({
    country: fieldRule.optional(),
    state: fieldRule.optional(),
    locality: fieldRule.optional(),
    street_address: fieldRule.optional(),
    organization: fieldRule.optional(),
    organizational_unit: unitsRule.optional(),
    common_name: fieldRule.optional(),
    email: fieldRule.optional(),
    serial_number: fieldRule.optional(),
  }),
  san: z
    .strictObject({
      dns_names: sanRule.extend({ wildcards: z.boolean().optional() }).optional(),
      emails: sanRule.optional(),
      ip_addresses: sanRule.optional(),
      uris: sanRule.optional(),
    })
    .default({}),
  extra_attributes: z
    .array(typedRule)
    .max(20)
    .optional()
    .describe('Attributes of the subject that have no field, by OBJECT IDENTIFIER.'),
  other_names: z.array(typedRule).max(20).optional().describe('Other names that are taken, by OBJECT IDENTIFIER.'),
  keys: z.array(z.enum(profileKeyKinds)).min(1).describe('Kinds of keys that a request may bring.'),
  key_usage: z.array(z.enum(keyUsages)).min(1),
  extended_key_usage: z
    .array(z.string())
    .max(20)
    .default([])
    .describe(`Dotted numbers, or ${Object.keys(extendedKeyUsageOids).join(', ')}.`),
  basic_constraints: z.strictObject({ ca: z.literal(true), path_length: z.int().min(0).max(20).optional() }).optional(),
  policies: z.array(policy).max(20).default([]),
  aia: z.strictObject({ ocsp: url.optional(), ca_issuers: url.optional() }).optional(),
  crl_distribution_point: url.optional(),
  no_rev_avail: z
    .literal(true)
    .optional()
    .describe('RFC 9608: will never be revoked, since it lives too short for that.'),
  extensions: z.array(customExtension).max(20).optional().describe('Extensions of its own, always the same. hex: DER.'),
});
