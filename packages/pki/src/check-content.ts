import { formOfFormat } from './field-formats.js';
import { isStatic, organizationalUnitsMax, subjectFields, subjectValueFault, subjectValues } from './subject.js';
import { ipAddressOctets, isSanEmpty, sanFields, sanNamesMax, sanValueFault } from './subject-alternative-names.js';
import { checkTyped } from './typed-values.js';
import type {
  FieldRule,
  Finding,
  KeyKind,
  ProfileDocument,
  RequestContent,
  San,
  SanField,
  SubjectDn,
  SubjectField,
} from './types.js';

/**
 * Everything a profile has to say against a content and a key; empty when nothing. Pure. Asked twice: by the front end
 * before it accepts, and by the signer, which trusts no front end. A static field may be left out (`applyStatics`
 * puts it in) or must hold the profile's value. Pointers are into the body of `POST /identity`, where `keyPointer` is
 * the key's.
 */
export function checkContent(
  document: ProfileDocument,
  content: RequestContent,
  keyKind: KeyKind,
  keyPointer = '/csr',
): Finding[] {
  const findings: Finding[] = [];
  if (!(document.keys as readonly string[]).includes(keyKind)) {
    const detail = `the key is ${keyKind}; the profile takes ${document.keys.join(', ')}`;
    findings.push({ pointer: keyPointer, code: 'key-weak', detail });
  }
  for (const field of subjectFields) checkSubjectField(document.subject[field], field, content.subject_dn, findings);
  for (const field of sanFields) checkSanField(document, field, content.san, findings);
  const { extra_attributes: extra } = content.subject_dn;
  if (document.extra_attributes !== undefined || extra !== undefined) {
    checkTyped(document.extra_attributes, extra ?? [], '/subject_dn/extra_attributes', findings);
  }
  const { other_names: others } = content.san;
  if (document.other_names !== undefined || others !== undefined) {
    checkTyped(document.other_names, others ?? [], '/san/other_names', findings);
  }
  refuseUnknown(content, findings);
  if (isNameless(document, content)) {
    const detail =
      document.purpose === 'subscriber' ? 'needs at least one field, or a name in `san`' : 'needs at least one field';
    findings.push({ pointer: '/subject_dn', code: 'subject-invalid', detail });
  }
  return findings;
}

function checkSubjectField(
  rule: FieldRule | undefined,
  field: SubjectField,
  subjectDn: SubjectDn,
  findings: Finding[],
): void {
  const values = subjectValues(subjectDn, field);
  const pointer = `/subject_dn/${field}`;
  const refuse = (detail: string, at = pointer) => findings.push({ pointer: at, code: 'subject-invalid', detail });
  const limits = typeof rule === 'object' && 'rule' in rule ? rule : undefined;
  const need = limits?.rule ?? (typeof rule === 'string' ? rule : isStatic(rule) ? 'static' : 'forbidden');
  if (values.length === 0) {
    if (need === 'required') refuse('is required by the profile');
    return;
  }
  if (need === 'forbidden') {
    refuse('is not allowed by the profile');
    return;
  }
  if (isStatic(rule) && (values.length > 1 || values[0] !== rule.static)) {
    refuse('is set by the profile to another value');
    return;
  }
  const valuesMax = Math.min(limits?.max ?? organizationalUnitsMax, organizationalUnitsMax);
  if (values.length > valuesMax) refuse(`takes at most ${valuesMax} values`);
  values.forEach((value, index) => {
    const fault = subjectValueFault(field, value) ?? (limits && limitFault(limits, value));
    if (fault !== undefined) refuse(fault, typeof subjectDn[field] === 'string' ? pointer : `${pointer}/${index}`);
  });
}

/** What the profile asks of a value beyond what every Name does. */
function limitFault(limits: Extract<FieldRule, { rule: string }>, value: string): string | undefined {
  const { format, max_characters: charactersMax } = limits;
  if (charactersMax !== undefined && [...value].length > charactersMax) {
    return `must have at most ${charactersMax} characters`;
  }
  return format === undefined ? undefined : formOfFormat(format).fault(value);
}

function checkSanField(document: ProfileDocument, field: SanField, san: San, findings: Finding[]): void {
  const rule = document.san[field];
  const values = san[field] ?? [];
  const pointer = `/san/${field}`;
  const refuse = (detail: string, at = pointer) => findings.push({ pointer: at, code: 'subject-invalid', detail });
  if (values.length === 0) {
    if (rule?.rule === 'required') refuse('is required by the profile');
    return;
  }
  if (rule === undefined || rule.rule === 'forbidden') {
    refuse('is not allowed by the profile');
    return;
  }
  const namesMax = Math.min(rule.max, sanNamesMax);
  if (values.length > namesMax) {
    refuse(`takes at most ${namesMax} values`);
    return;
  }
  const seen = new Set<string>();
  values.forEach((value, index) => {
    const fault = sanValueFault(field, value, rule);
    const written = fault === undefined && field === 'ip_addresses' ? ipAddressOctets(value).join('.') : value;
    if (seen.has(written)) refuse('stands there twice', `${pointer}/${index}`);
    else if (fault !== undefined) refuse(fault, `${pointer}/${index}`);
    seen.add(written);
  });
}

const known = {
  subject_dn: new Set<string>([...subjectFields, 'extra_attributes']),
  san: new Set<string>([...sanFields, 'other_names']),
};

/** For contents that no schema has seen: a field that no rule names would otherwise be passed over in silence. */
function refuseUnknown(content: RequestContent, findings: Finding[]): void {
  for (const part of ['subject_dn', 'san'] as const) {
    for (const field of Object.keys(content[part])) {
      if (known[part].has(field)) continue;
      findings.push({ pointer: `/${part}/${field}`, code: 'body-invalid', detail: 'is not a field' });
    }
  }
}

/** RFC 5280 4.1.2.6: a certificate names somebody, in its subject or, for a subscriber, in its SAN. */
function isNameless(document: ProfileDocument, content: RequestContent): boolean {
  const named = subjectFields.some(
    (field) => isStatic(document.subject[field]) || subjectValues(content.subject_dn, field).length > 0,
  );
  const hasExtra = (content.subject_dn.extra_attributes?.length ?? 0) > 0;
  return !named && !hasExtra && (document.purpose !== 'subscriber' || isSanEmpty(content.san));
}
