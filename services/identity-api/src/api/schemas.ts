import { codes, fates, isCode } from '@sluice/errors';
import { caStates, endStates, openStates, shelfStates } from '@sluice/issuance';
import { csrBytesMax, publicKeyCharactersMax, sanSchema, subjectDnSchema, validitySchema } from '@sluice/pki';
import { z } from 'zod';

// Every body that goes in or out. What comes in is checked against these; what goes out has their types, and each answer
// of every test is checked against them; `GET /openapi.json` is generated from them.

const codeSchema = z
  .enum(Object.keys(codes).filter(isCode))
  .meta({ id: 'Code', description: 'Stable, and what programs should decide by. `/problems/<code>` tells more.' });
const fateSchema = z.enum(fates).meta({
  id: 'Fate',
  description:
    'What became, or will become, of a request, and what you may rely on. `issued`: here it is, and it is stored. `continuing`: it goes on without you, look at Location. `not-issued`: no signature was begun or will be. `withheld`: no certificate will be handed out, and what may have been signed is revoked. `unknown`: we do not know ourselves, ask again with the same Idempotency-Key (an equal call may be going on elsewhere). `cancelled`: by you, and no certificate will be handed out.',
});
const idSchema = z.uuidv7().describe('The id of the request: a UUID of version 7.');
const instantSchema = z.iso.datetime();
const secondsSchema = z.int().min(0);
const pemSchema = z.string().regex(/^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n$/);

const subjectSchema = subjectDnSchema.meta({
  id: 'SubjectDn',
  description:
    'The subject. Which fields are taken, and what they may hold, the profile says. No text may hold control characters, invisible ones or lone surrogates, mix scripts in a word, or begin or end with a blank. Something must be named, here or in `san`.',
});
const namesSchema = sanSchema.meta({
  id: 'San',
  description:
    'Subject alternative names. Which kinds are taken, and how many, the profile says. None may stand there twice.',
});

const requestedSchema = validitySchema.meta({
  id: 'RequestedValidity',
  description:
    'Begin and end of the validity, both inclusive, in UTC and whole seconds, such as `2026-11-21T08:00:00Z`; the certificate says exactly these. What may be asked for, GET /profiles says, as seen from when the order is accepted. Without `not_before` it begins when it is signed; without `not_after` it lasts `validity_seconds`.',
});

const proofSchema = z
  .strictObject({
    nonce: z.string().min(1).max(200).describe('From POST /nonce, not older than 5 minutes.'),
    signature: z
      .string()
      .min(1)
      .max(1024)
      .describe('Base64 of the signature by `public_key`; POST /identity says over what, and how.'),
  })
  .meta({ id: 'Proof', description: 'Shows that the sender has the private half of `public_key`.' });

export const nonceSchema = z
  .object({
    nonce: z.string().regex(/^[A-Za-z0-9_-]+$/),
    expires_at: instantSchema.describe('After this it is refused (`nonce-invalid`).'),
    account: z.string().describe('The name of your account, as it is signed over.'),
  })
  .meta({ id: 'Nonce', description: 'What a proof of possession is signed over.' });

export const orderSchema = z
  .strictObject({
    profile: z.string().min(1).max(63).describe('Name of a profile that this account may use: see GET /profiles.'),
    subject_dn: subjectSchema,
    csr: z
      .string()
      .min(1)
      .max(csrBytesMax)
      .describe(
        'PKCS#10 (RFC 2986), as PEM or as base64 of the DER, signed by its own key. Only the key is taken from it.',
      )
      .optional(),
    public_key: z
      .string()
      .min(1)
      .max(publicKeyCharactersMax)
      .describe('In place of a CSR: SubjectPublicKeyInfo (RFC 5280 4.1.2.7), as PEM or as base64 of the DER.')
      .optional(),
    proof: proofSchema.optional(),
    san: namesSchema.optional(),
    validity: requestedSchema.optional(),
  })
  .meta({
    id: 'Order',
    description:
      'What a certificate is asked for with: either `csr`, or `public_key` with `proof`. Members not named here are refused.',
    oneOf: [{ required: ['csr'] }, { required: ['public_key', 'proof'] }],
  });
export type OrderBody = z.infer<typeof orderSchema>;

export const identitySchema = z
  .object({
    id: idSchema,
    serial: z
      .string()
      .regex(/^([0-9a-f]{2}){1,20}$/)
      .describe('Serial number of the certificate, in lower-case hexadecimal.'),
    signing_cert: pemSchema.describe('The certificate, PEM.'),
    chain: z.array(pemSchema).min(1).describe('The CA that signed it, and so on up to and including the root. PEM.'),
    not_before: instantSchema.describe('Begin of its validity.'),
    not_after: instantSchema.describe('End of its validity, inclusive.'),
  })
  .meta({ id: 'Identity', description: 'A certificate that is issued and stored.' });

export const continuingSchema = z
  .object({
    id: idSchema,
    state: z
      .enum([...openStates, 'parked'])
      .describe('`queued`: a signer will take it up. `signing`: one has. `parked`: an operator has set it aside.'),
    fate: z.literal('continuing'),
  })
  .meta({ id: 'Continuing', description: 'A request that goes on without anybody waiting. Look at Location later.' });

export const openSchema = z
  .object({
    id: idSchema,
    state: z.enum(openStates).describe('`queued`: a signer will take it up. `signing`: one has.'),
  })
  .meta({
    id: 'Open',
    description:
      'A request that is open at this moment. Reading promises nothing: whoever ordered it may still be waiting, and be told otherwise when the wait ends.',
  });

export const cancelledSchema = z
  .object({ id: idSchema, state: z.literal('cancelled'), fate: z.literal('cancelled') })
  .meta({ id: 'Cancelled', description: 'A request that was cancelled: no certificate will be handed out for it.' });

const findingSchema = z
  .object({
    pointer: z.string().describe('JSON pointer (RFC 6901) into the body that was sent; empty for the body as a whole.'),
    code: codeSchema,
    detail: z.string().describe('What is wrong there, for people.'),
  })
  .meta({ id: 'Finding', description: 'One thing that is wrong with a body.' });

export const problemSchema = z
  .object({
    type: z
      .string()
      .regex(/^\/problems\/[a-z-]+$/)
      .describe('`/problems/` and the code: a page that tells more.'),
    title: z.string().describe('The same for every problem with this code.'),
    status: z.int().min(400).max(599).describe('The HTTP status.'),
    detail: z.string().describe('What happened this time, for people.'),
    code: codeSchema,
    what_to_do: z.string().describe('The next step, for people.'),
    request_id: z.string().describe('As in X-Request-Id: under this id our log tells the rest.'),
    fate: fateSchema.optional(),
    pointer: z.string().optional().describe('The first of `findings`: JSON pointer (RFC 6901) into the body.'),
    findings: z.array(findingSchema).min(1).max(20).optional().describe('Everything that was found, up to 20.'),
    id: idSchema.optional(),
    state: z
      .enum([...openStates, ...shelfStates, ...endStates])
      .optional()
      .describe('How the request stands.'),
    ca: z.string().optional().describe('The CA whose state does not permit it.'),
    lane: z.string().optional().describe('Where too much work is open.'),
  })
  .meta({
    id: 'Problem',
    description: 'Problem details (RFC 9457). Ignore members that you do not know: more may come.',
  });

const valueFormSchema = z
  .object({
    name: z.string().describe('Such as `digits` or `dns-name`.'),
    text: z.string().describe('What it asks for, for people.'),
    pattern: z.string().optional().describe('The same as a regular expression of ECMAScript, where one says it all.'),
  })
  .meta({ id: 'ValueForm', description: 'A form that a value must have.' });
export type ValueForm = z.infer<typeof valueFormSchema>;

const needSchema = z
  .enum(['required', 'optional'])
  .describe('`required`: there must be one at least. `optional`: it may be left out.');
const countSchema = z.int().min(1).describe('How many values there may be.');
const charactersSchema = z
  .int()
  .min(1)
  .describe('Characters that each value may have, the bounds of RFC 5280 counted in; each has one at least.');
const formsSchema = z.array(valueFormSchema).min(1).describe('The forms that each value must have, all of them.');

const fieldRuleSchema = z
  .discriminatedUnion('rule', [
    z.object({
      rule: z.literal('static').describe('The profile sets it: leave it out, or send the same.'),
      value: z.string().describe('What the profile sets.'),
    }),
    z.object({
      rule: needSchema,
      max: countSchema,
      max_characters: charactersSchema,
      forms: formsSchema.optional(),
    }),
  ])
  .meta({ id: 'FieldRule', description: 'What a profile says about a field of the subject.' });
export type FieldRule = z.infer<typeof fieldRuleSchema>;

const typedRuleSchema = z
  .object({
    type: z.string().describe('The OBJECT IDENTIFIER, dotted: `type` in the body.'),
    rule: needSchema,
    max: countSchema,
    max_characters: charactersSchema,
    forms: formsSchema.optional(),
  })
  .meta({ id: 'TypedRule', description: 'What a profile says about values of one OBJECT IDENTIFIER.' });
export type TypedRule = z.infer<typeof typedRuleSchema>;

const nameRuleSchema = z
  .object({
    rule: needSchema,
    max: countSchema,
    reserved: z
      .enum(['refuse', 'allow'])
      .describe(
        'Names that others may hold as well (of one label, or below `test`, `local`, `internal` and the like: RFC 6761) and addresses that are not public (RFC 6890).',
      ),
    forms: formsSchema,
  })
  .meta({ id: 'NameRule', description: 'What a profile says about a kind of name. None may stand there twice.' });
const dnsNameRuleSchema = nameRuleSchema
  .extend({ wildcards: z.boolean().describe('Whether they may begin with `*.`, with two labels or more behind it.') })
  .meta({ id: 'DnsNameRule', description: 'What a profile says about DNS names. None may stand there twice.' });

export const profileSchema = z
  .object({
    name: z.string().describe('What `profile` in POST /identity takes.'),
    description: z.string().optional(),
    revision: z.int().min(1).describe('Grows with each change of the profile.'),
    available: z
      .boolean()
      .describe(
        'May be asked for now. If not, `unavailable_because` is the code that POST /identity would answer with.',
      ),
    unavailable_because: codeSchema.optional(),
    state: z.enum(['enabled', 'disabled']),
    ca: z.object({ name: z.string(), state: z.enum(caStates).optional() }).describe('The CA that signs.'),
    subject_dn: z
      .object({
        country: fieldRuleSchema.optional(),
        state: fieldRuleSchema.optional(),
        locality: fieldRuleSchema.optional(),
        street_address: fieldRuleSchema.optional(),
        organization: fieldRuleSchema.optional(),
        organizational_unit: fieldRuleSchema.optional(),
        common_name: fieldRuleSchema.optional(),
        email: fieldRuleSchema.optional(),
        serial_number: fieldRuleSchema.optional(),
        extra_attributes: z.array(typedRuleSchema).optional(),
      })
      .describe('The fields of `subject_dn` that are taken; every other is refused.'),
    san: z
      .object({
        dns_names: dnsNameRuleSchema.optional(),
        emails: nameRuleSchema.optional(),
        ip_addresses: nameRuleSchema.optional(),
        uris: nameRuleSchema.optional(),
        other_names: z.array(typedRuleSchema).optional(),
      })
      .describe('The kinds of `san` that are taken; every other is refused.'),
    keys: z.array(z.string()).min(1).describe('Kinds of keys that `csr` or `public_key` may hold.'),
    key_usage: z.array(z.string()).describe('What the certificate will say that the key is for.'),
    extended_key_usage: z.array(z.string()).describe('The same, in more detail.'),
    validity_seconds: secondsSchema.describe('How long the certificate is valid, when nothing else is asked for.'),
    requested_validity: z
      .object({
        min_seconds: secondsSchema.describe('Shortest life, both ends inside.'),
        max_seconds: secondsSchema.describe('Longest life, both ends inside; never beyond that of the CA.'),
        back_seconds: secondsSchema.describe('How far back `not_before` may lie.'),
        ahead_seconds: secondsSchema.describe('How far ahead `not_before` may lie.'),
      })
      .optional()
      .describe('What `validity` may ask for; nothing, when this is absent.'),
    time_to_live_seconds: secondsSchema.describe('How long a request goes on after nobody waits for it any more.'),
  })
  .meta({ id: 'Profile', description: 'What may be asked for with a profile, in the terms of the body that asks.' });
export type ProfileBody = z.infer<typeof profileSchema>;

export const profilesSchema = z
  .object({ profiles: z.array(profileSchema) })
  .meta({ id: 'Profiles', description: 'Every profile that this account may use, by name.' });

export const problemTypeSchema = z
  .object({
    type: z.string(),
    code: codeSchema,
    status: z.int(),
    title: z.string(),
    meaning: z.string(),
    what_to_do: z.string(),
  })
  .meta({ id: 'ProblemType', description: 'What a code means.' });

export const problemTypesSchema = z
  .object({ groups: z.array(z.object({ title: z.string(), problems: z.array(problemTypeSchema) })) })
  .meta({ id: 'ProblemTypes', description: 'Every code, in groups.' });
