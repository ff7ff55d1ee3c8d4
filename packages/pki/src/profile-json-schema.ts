import { z } from 'zod';
import { profileSchema } from './profile-schema.js';

/**
 * JSON Schema (2020-12) of a profile document as people write it, for editors. It says less than `parseProfile`, which
 * also knows what the parts mean to each other.
 */
export function profileJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(profileSchema, { io: 'input', reused: 'ref' });
  return { $schema, title: 'Sluice certificate profile', ...schema };
}
