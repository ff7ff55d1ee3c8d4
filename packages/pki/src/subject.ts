import { SluiceError } from '@sluice/errors';
import { sameBytes } from './der-reader.js';
import { DerWriter, tags } from './der-writer.js';
import { type Form, patternForm } from './form.js';
import { emailForm } from './name-faults.js';
import { printableForm, textFault } from './text-faults.js';
import { arranged, oidDer, type TypedWriter, typedCharactersMax, writeTypedAttribute } from './typed-values.js';
import type { FieldRule, SubjectDn, SubjectField } from './types.js';

interface AttributeFacts {
  /** DER of the type's OBJECT IDENTIFIER. */
  readonly oid: Uint8Array;
  readonly tag: number;
  /** Upper bound in characters (RFC 5280 appendix A). */
  readonly charactersMax: number;
  /** What the value must look like beside the rules for all values. */
  readonly form?: Form;
}

function x520(last: number): Uint8Array {
  return Uint8Array.of(tags.oid, 3, 0x55, 0x04, last);
}

/**
 * Every subject attribute, in the order in which they stand in a Name (T4: the order of BR 7.1.4.2, then ours), with
 * one string type each.
 */
const attributes: Readonly<Record<SubjectField, AttributeFacts>> = {
  country: {
    oid: x520(6),
    tag: tags.printableString,
    charactersMax: 2,
    form: patternForm('country-code', /^[A-Z]{2}$/, 'must be two capital letters (ISO 3166)'),
  },
  state: { oid: x520(8), tag: tags.utf8String, charactersMax: 128 },
  locality: { oid: x520(7), tag: tags.utf8String, charactersMax: 128 },
  street_address: { oid: x520(9), tag: tags.utf8String, charactersMax: 128 },
  organization: { oid: x520(10), tag: tags.utf8String, charactersMax: 64 },
  organizational_unit: { oid: x520(11), tag: tags.utf8String, charactersMax: 64 },
  common_name: { oid: x520(3), tag: tags.utf8String, charactersMax: 64 },
  serial_number: { oid: x520(5), tag: tags.printableString, charactersMax: 64, form: printableForm },
  email: {
    // 1.2.840.113549.1.9.1
    oid: Uint8Array.of(tags.oid, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01),
    tag: tags.ia5String,
    charactersMax: 255,
    form: emailForm,
  },
};

/** The fields, in the order of a Name. */
export const subjectFields = Object.keys(attributes) as readonly SubjectField[];
const backwards = [...subjectFields].reverse();

/** How many organizational units a subject may have. */
export const organizationalUnitsMax = 8;

/** Is there a field for the attribute of this dotted OBJECT IDENTIFIER? */
export function hasField(oid: string): boolean {
  return Object.values(attributes).some((attribute) => sameBytes(attribute.oid, oidDer(oid)));
}

/** Does the profile itself set this field? */
export function isStatic(rule: FieldRule | undefined): rule is { static: string } {
  return typeof rule === 'object' && 'static' in rule;
}

/** What holds for every value of that field, whatever a profile says. */
export function subjectFieldFacts(field: SubjectField): Pick<AttributeFacts, 'charactersMax' | 'form'> {
  return attributes[field];
}

/** Why this value cannot stand in that field, or `undefined`. */
export function subjectValueFault(field: SubjectField, value: string): string | undefined {
  const { charactersMax, form } = attributes[field];
  return textFault(value, charactersMax) ?? form?.fault(value);
}

/** The values of one field, in order; none when it is absent. */
export function subjectValues(subjectDn: SubjectDn, field: SubjectField): readonly string[] {
  const value = subjectDn[field];
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/** Does it name nobody? */
export function isSubjectEmpty(subjectDn: SubjectDn): boolean {
  return subjectFields.every((field) => (subjectDn[field]?.length ?? 0) === 0) && !subjectDn.extra_attributes?.length;
}

/**
 * Puts the Name in front of what `writer` holds; `extra` says how extra attributes are written. Throws
 * `subject-invalid`.
 */
export function writeSubject(writer: DerWriter, subjectDn: SubjectDn, extra: readonly TypedWriter[]): void {
  const name = writer.mark;
  const { extra_attributes: extraAttributes } = subjectDn;
  if (extraAttributes !== undefined) {
    const facts = { pointer: '/subject_dn/extra_attributes' };
    const found = arranged(extraAttributes, extra);
    if (found.length < extraAttributes.length) {
      throw new SluiceError('subject-invalid', 'extra_attributes holds what the profile has no rule for', { facts });
    }
    for (const { writer: how, value } of found.reverse()) {
      const fault = textFault(value, typedCharactersMax);
      if (fault !== undefined) throw new SluiceError('subject-invalid', `extra_attributes ${fault}`, { facts });
      writeTypedAttribute(writer, how, value);
    }
  }
  for (const field of backwards) {
    const value = subjectDn[field];
    if (value === undefined) continue;
    if (typeof value === 'string') {
      writeAttribute(writer, field, value);
    } else {
      for (let index = value.length - 1; index >= 0; index -= 1) writeAttribute(writer, field, value[index] ?? '');
    }
  }
  writer.wrap(tags.sequence, name);
}

function writeAttribute(writer: DerWriter, field: SubjectField, value: string): void {
  const fault = subjectValueFault(field, value);
  if (fault !== undefined) {
    throw new SluiceError('subject-invalid', `${field} ${fault}`, { facts: { pointer: `/subject_dn/${field}` } });
  }
  const { oid, tag } = attributes[field];
  const set = writer.mark;
  writer.text(value);
  writer.wrap(tag, set);
  writer.bytes(oid);
  writer.wrap(tags.sequence, set);
  writer.wrap(tags.set, set);
}

/**
 * DER Name of a subject: one attribute per RDN, order and string types by the table above (RFC 5280 4.1.2.4).
 * An empty subject gives the empty SEQUENCE. `extra` is `typedWriters` of the profile. Throws `subject-invalid` for a value that no Name may hold.
 */
export function encodeSubject(subjectDn: SubjectDn, extra: readonly TypedWriter[] = []): Uint8Array {
  const writer = new DerWriter();
  writeSubject(writer, subjectDn, extra);
  return writer.take();
}
