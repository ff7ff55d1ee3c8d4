import { z } from 'zod';
import type { JsonSchema } from './open-api-types.js';
import * as bodies from './schemas.js';

/** Beside a schema of another package, whose members have no words. */
const memberNotes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  SubjectDn: {
    country: 'Two capital letters (ISO 3166).',
    state: 'State or province.',
    street_address: 'Street and number.',
    organizational_unit: 'One or several.',
    common_name: 'Whom or what the certificate names.',
    email: 'A mail address in ASCII.',
    serial_number: 'A number of the subject, not of the certificate.',
  },
  San: {
    dns_names: 'Host names: A-labels in lower case. No label looks like another (scripts mixed in a word).',
    emails: 'Mail addresses in ASCII.',
    ip_addresses: 'IPv4 or IPv6, as text.',
    uris: 'Absolute http or https URIs (RFC 3986), without credentials.',
  },
};

const names = new Map<z.ZodType, string>();
for (const body of Object.values(bodies)) {
  const name = body.meta()?.id;
  if (typeof name === 'string') names.set(body, name);
}

/** Where the description of this body stands. Throws for one that has no name. */
export function schemaReference(body: z.ZodType): { readonly $ref: string } {
  const name = names.get(body);
  if (name === undefined) throw new Error('a body without a name');
  return { $ref: `#/components/schemas/${name}` };
}

/** Every body that has a name, as JSON Schema 2020-12 (which OpenAPI 3.1 takes as it is), with references between them. */
export function jsonSchemas(): Record<string, JsonSchema> {
  const whole = z.toJSONSchema(z.tuple([bodies.problemSchema, ...Object.values(bodies)]), {
    target: 'draft-2020-12',
    // What may be sent is described; and what is sent back may have more members one day.
    io: 'input',
  });
  const schemas = rewritten(whole.$defs ?? {}) as Record<string, JsonSchema>;
  for (const [name, notes] of Object.entries(memberNotes)) {
    const schema = schemas[name];
    if (schema !== undefined) schemas[name] = withNotes(schema, notes);
  }
  return schemas;
}

function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string'
        ? inner.replace('#/$defs/', '#/components/schemas/')
        : rewritten(inner),
    ]),
  );
}

function withNotes(schema: JsonSchema, notes: Readonly<Record<string, string>>): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const [member, inner] of Object.entries(schema.properties ?? {})) {
    const description = notes[member];
    properties[member] = description === undefined ? inner : { ...inner, description };
  }
  return { ...schema, properties };
}
