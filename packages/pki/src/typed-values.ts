import * as asn1js from 'asn1js';
import { type DerWriter, tags } from './der-writer.js';
import { formOfFormat } from './field-formats.js';
import type { Form } from './form.js';
import { asciiForm, printableForm, textFault } from './text-faults.js';
import type { Finding, StringType, TypedRule, TypedValue } from './types.js';

/** String types that a profile can give to what has no field of its own. */
const stringTypes: Readonly<Record<StringType, { readonly tag: number; readonly form?: Form }>> = {
  utf8: { tag: tags.utf8String },
  printable: { tag: tags.printableString, form: printableForm },
  ia5: { tag: tags.ia5String, form: asciiForm },
};

/** Most characters of a value, whatever a profile says. */
export const typedCharactersMax = 255;
/** Most values of one type, whatever a profile says. */
export const typedValuesMax = 20;

/** What every text of that type must look like, when there is more to it than characters. */
export function stringTypeForm(type: StringType): Form | undefined {
  return stringTypes[type].form;
}

/** A rule as the writer uses it. */
export interface TypedWriter {
  readonly oid: string;
  /** DER of the OBJECT IDENTIFIER. */
  readonly oidDer: Uint8Array;
  readonly tag: number;
}

/** What the writer needs of a profile's rules, in their order, which is the order in the certificate. */
export function typedWriters(rules: readonly TypedRule[] | undefined): TypedWriter[] {
  return (rules ?? []).map(({ oid, type }) => ({ oid, oidDer: oidDer(oid), tag: stringTypes[type].tag }));
}

/** DER of a dotted OBJECT IDENTIFIER. */
export function oidDer(oid: string): Uint8Array {
  return new Uint8Array(new asn1js.ObjectIdentifier({ value: oid }).toBER());
}

/** The values of `values` that a rule is for, with their writers, in the order in which they stand in the certificate. */
export function arranged(
  values: readonly TypedValue[],
  writers: readonly TypedWriter[],
): { readonly writer: TypedWriter; readonly value: string }[] {
  return writers.flatMap((writer) =>
    values.filter(({ type }) => type === writer.oid).map(({ value }) => ({ writer, value })),
  );
}

/** Puts an AttributeTypeAndValue, as an RDN of its own, in front. */
export function writeTypedAttribute(writer: DerWriter, { oidDer, tag }: TypedWriter, value: string): void {
  const set = writer.mark;
  writer.text(value);
  writer.wrap(tag, set);
  writer.bytes(oidDer);
  writer.wrap(tags.sequence, set);
  writer.wrap(tags.set, set);
}

/** Puts a GeneralName otherName (RFC 5280 4.2.1.6) in front: [0] { type-id, [0] EXPLICIT value }. */
export function writeOtherName(writer: DerWriter, { oidDer, tag }: TypedWriter, value: string): void {
  const name = writer.mark;
  writer.text(value);
  writer.wrap(tag, name);
  writer.wrap(0xa0, name);
  writer.bytes(oidDer);
  writer.wrap(0xa0, name);
}

/** Adds what the rules have against the values; `pointer` is that of the list. */
export function checkTyped(
  rules: readonly TypedRule[] | undefined,
  values: readonly TypedValue[],
  pointer: string,
  findings: Finding[],
): void {
  const refuse = (at: string, detail: string) => findings.push({ pointer: at, code: 'subject-invalid', detail });
  for (const { oid, rule, max } of rules ?? []) {
    const count = values.filter(({ type }) => type === oid).length;
    if (count === 0 && rule === 'required') refuse(pointer, `${oid} is required by the profile`);
    if (count > Math.min(max, typedValuesMax)) refuse(pointer, `${oid} may stand there ${max} times at most`);
  }
  values.forEach(({ type, value }, index) => {
    const rule = rules?.find(({ oid }) => oid === type);
    if (rule === undefined) {
      refuse(`${pointer}/${index}/type`, 'is not allowed by the profile');
      return;
    }
    const isRepeated = values.findIndex((other) => other.type === type && other.value === value) < index;
    const fault = isRepeated ? 'stands there twice' : typedFault(rule, value);
    if (fault !== undefined) refuse(`${pointer}/${index}/value`, fault);
  });
}

function typedFault(rule: TypedRule, value: string): string | undefined {
  const { type, format, max_characters: charactersMax = typedCharactersMax } = rule;
  return (
    textFault(value, Math.min(charactersMax, typedCharactersMax)) ??
    stringTypes[type].form?.fault(value) ??
    (format === undefined ? undefined : formOfFormat(format).fault(value))
  );
}
