import {
  type FieldRule as FieldRuleOfProfile,
  type Form,
  formOfFormat,
  isStatic,
  nameForm,
  organizationalUnitsMax,
  type ProfileDocument,
  type SubjectField,
  sanFields,
  stringTypeForm,
  subjectFieldFacts,
  subjectFields,
  type TypedRule as TypedRuleOfProfile,
  typedCharactersMax,
} from '@sluice/pki';
import type { FieldRule, ProfileBody, TypedRule, ValueForm } from './api/schemas.js';

// What `checkContent` asks of a body, told beforehand: whoever keeps to this is not refused for what a body says.

/** The fields of `subject_dn` that a profile takes. */
export function subjectRules({ subject, extra_attributes }: ProfileDocument): ProfileBody['subject_dn'] {
  const rules: ProfileBody['subject_dn'] = {};
  for (const field of subjectFields) {
    const rule = fieldRule(field, subject[field]);
    if (rule !== undefined) rules[field] = rule;
  }
  if (extra_attributes !== undefined) rules.extra_attributes = extra_attributes.map(typedRule);
  return rules;
}

/** The kinds of `san` that a profile takes. */
export function nameRules({ san, other_names }: ProfileDocument): ProfileBody['san'] {
  const rules: ProfileBody['san'] = {};
  for (const kind of sanFields) {
    const { rule = 'forbidden', max = 0, wildcards = false, reserved = 'refuse' } = san[kind] ?? {};
    if (rule === 'forbidden') continue;
    const named = { rule, max, reserved, forms: [formTold(nameForm(kind))] };
    if (kind === 'dns_names') rules.dns_names = { ...named, wildcards };
    else rules[kind] = named;
  }
  if (other_names !== undefined) rules.other_names = other_names.map(typedRule);
  return rules;
}

function fieldRule(field: SubjectField, rule: FieldRuleOfProfile | undefined): FieldRule | undefined {
  if (rule === undefined || rule === 'forbidden') return undefined;
  if (isStatic(rule)) return { rule: 'static', value: rule.static };
  const limits = typeof rule === 'string' ? { rule } : rule;
  const { charactersMax, form } = subjectFieldFacts(field);
  return {
    rule: limits.rule,
    max: field === 'organizational_unit' ? (limits.max ?? organizationalUnitsMax) : 1,
    max_characters: Math.min(charactersMax, limits.max_characters ?? charactersMax),
    ...formsTold(form, limits.format && formOfFormat(limits.format)),
  };
}

function typedRule({ oid, rule, max, type, format, max_characters }: TypedRuleOfProfile): TypedRule {
  return {
    ...{ type: oid, rule, max, max_characters: max_characters ?? typedCharactersMax },
    ...formsTold(stringTypeForm(type), format && formOfFormat(format)),
  };
}

function formsTold(...forms: readonly (Form | undefined)[]): { forms?: ValueForm[] } {
  const told = forms.filter((form) => form !== undefined).map(formTold);
  return told.length === 0 ? {} : { forms: told };
}

function formTold({ name, text, pattern }: Form): ValueForm {
  return pattern === undefined ? { name, text } : { name, text, pattern };
}
