import { hash } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { z } from 'zod';
import { isStatic, subjectFields } from './subject.js';
import { sanFields } from './subject-alternative-names.js';
import type { ProfileDocument, RequestContent, SubjectDn, TypedValue } from './types.js';

// Shape only, with bounds that keep nonsense out; what a value may hold is `checkContent`'s, which answers with a pointer.
const text = z.string().min(1).max(4096);
const texts = z.array(text).max(100);

const typedValues = z.array(z.strictObject({ type: text.max(100), value: text })).max(100);

/** Shape of a subject in a body; unknown fields are refused. */
export const subjectDnSchema = z.strictObject({
  country: text.optional(),
  state: text.optional(),
  locality: text.optional(),
  street_address: text.optional(),
  organization: text.optional(),
  organizational_unit: texts.optional(),
  common_name: text.optional(),
  email: text.optional(),
  serial_number: text.optional(),
  extra_attributes: typedValues.optional(),
});

/** Shape of subject alternative names in a body; unknown kinds are refused. */
export const sanSchema = z.strictObject({
  dns_names: texts.optional(),
  emails: texts.optional(),
  ip_addresses: texts.optional(),
  uris: texts.optional(),
  other_names: typedValues.optional(),
});

const instant = z.iso.datetime({ precision: 0 });

/** Shape of the ends that a body may ask for: UTC, whole seconds, one way of writing each. */
export const validitySchema = z.strictObject({ not_before: instant.optional(), not_after: instant.optional() });

const contentSchema = z.strictObject({
  subject_dn: subjectDnSchema,
  san: sanSchema,
  validity: validitySchema.optional(),
});

const subjectMembers = [...subjectFields, 'extra_attributes' as const].sort();
const sanMembers = [...sanFields, 'other_names' as const].sort();

/**
 * What may vary in a certificate, as one text: RFC 8785 canonical JSON without empty lists. Equal contents give equal
 * texts; the order within a list is part of the content.
 */
export function canonicalContent(content: RequestContent): string {
  const san: Record<string, readonly (string | TypedValue)[]> = {};
  for (const member of sanMembers) {
    const values = member === 'other_names' ? typed(content.san[member]) : content.san[member];
    if (values !== undefined && values.length > 0) san[member] = values;
  }
  const subject: Record<string, string | readonly (string | TypedValue)[]> = {};
  for (const member of subjectMembers) {
    const value = member === 'extra_attributes' ? typed(content.subject_dn[member]) : content.subject_dn[member];
    if (value !== undefined && value.length > 0) subject[member] = value;
  }
  const { not_after, not_before } = content.validity ?? {};
  const validity = not_after === undefined && not_before === undefined ? undefined : { not_after, not_before };
  return JSON.stringify({ san, subject_dn: subject, validity });
}

/** With their members in the order of canonical JSON. */
function typed(values: readonly TypedValue[] | undefined): TypedValue[] | undefined {
  return values?.map(({ type, value }) => ({ type, value }));
}

/**
 * Reads what `canonicalContent` wrote. Throws `body-invalid` for any other text: one that is not JSON, has unknown
 * fields, or means a content whose canonical text is different (so a doubled key or another order is refused too).
 */
export function parseContent(canonical: string): RequestContent {
  let json: unknown;
  try {
    json = JSON.parse(canonical);
  } catch (cause) {
    throw new SluiceError('body-invalid', 'the content is not JSON', { cause });
  }
  const parsed = contentSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SluiceError('body-invalid', `the content is not one: ${issue?.message}`, {
      facts: { pointer: `/${issue?.path.join('/') ?? ''}` },
    });
  }
  if (canonicalContent(parsed.data) !== canonical) {
    throw new SluiceError('body-invalid', 'the content is not in the form that canonicalContent writes');
  }
  return parsed.data;
}

/** The content with the profile's static subject fields put in; equal to itself when applied again. Pure. */
export function applyStatics(document: ProfileDocument, content: RequestContent): RequestContent {
  const statics = staticSubject(document);
  return statics === undefined ? content : { ...content, subject_dn: { ...content.subject_dn, ...statics } };
}

/** The subject fields that a profile sets itself; `undefined` when there are none. */
export function staticSubject(document: ProfileDocument): SubjectDn | undefined {
  const statics: SubjectDn = {};
  for (const field of subjectFields) {
    const rule = document.subject[field];
    if (!isStatic(rule)) continue;
    if (field === 'organizational_unit') statics.organizational_unit = [rule.static];
    else statics[field] = rule.static;
  }
  return Object.keys(statics).length === 0 ? undefined : statics;
}

/**
 * SHA-256 over (account, profile, key, names and ends asked for), each part with its length in front, so that no two lists of parts
 * give the same text. `contentText` is what `canonicalContent` wrote.
 */
export function fingerprint(account: string, profile: string, spki: Uint8Array, contentText: string): Uint8Array {
  const key = Buffer.from(spki.buffer, spki.byteOffset, spki.length).toString('base64');
  const parts = ['sluice-fingerprint-1', account, profile, key, contentText];
  return hash('sha256', parts.map((part) => `${part.length}:${part}`).join(), 'buffer');
}
