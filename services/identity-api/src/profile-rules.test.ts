import { readdirSync, readFileSync } from 'node:fs';
import { checkContent, type ProfileDocument, parseProfile, type RequestContent } from '@sluice/pki';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ProfileBody, TypedRule, ValueForm } from './api/schemas.js';
import { nameRules, subjectRules } from './profile-rules.js';

const folder = new URL('../../../infra/profiles/', import.meta.url);
const document = (extra: string): ProfileDocument =>
  parseProfile(
    `{name: made, ca: issuing, purpose: subscriber, validity_seconds: 600, keys: [ec-p256], key_usage: [digitalSignature], ${extra}}`,
  );
const documents = [
  ...readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => parseProfile(readFileSync(new URL(file, folder), 'utf8'))),
  document(`subject: {country: required, state: {rule: required, max_characters: 3}, email: optional, street_address: required,
    serial_number: {rule: required, format: uuid}, organizational_unit: {rule: required, max: 2, format: hex}},
    extra_attributes: [{oid: 2.5.4.97, rule: required, type: printable, max: 3, max_characters: 9, format: identifier},
      {oid: 2.5.4.42, rule: optional, type: utf8}],
    other_names: [{oid: 1.3.6.1.4.1.311.20.2.3, rule: required, type: ia5, max: 2}]`),
  document(`subject: {common_name: {rule: optional, format: dns-name}, organizational_unit: optional, country: {static: CH}},
    san: {dns_names: {rule: required, max: 4, wildcards: true, reserved: allow}, ip_addresses: {rule: required, max: 2, reserved: allow},
      uris: {rule: required, max: 2}}`),
];

type Rule = { readonly max: number; readonly max_characters?: number; readonly forms?: readonly ValueForm[] };
type NamedRule = Rule & { readonly reserved?: string; readonly wildcards?: boolean };
const isRequired = ({ rule }: { readonly rule: string }): boolean => rule === 'required';

const host = fc.constantFrom('a.zz', 'b-2.example.zz', 'xn--bcher-kva.zz');
const withoutPattern: Readonly<Record<string, (rule: NamedRule) => fc.Arbitrary<string>>> = {
  'dns-name': ({ wildcards, reserved }) =>
    fc.oneof(
      host,
      ...(wildcards === true ? [host.map((name) => `*.${name}`)] : []),
      ...(reserved === 'allow' ? [fc.constantFrom('x', 'a.local')] : []),
    ),
  email: () => fc.tuple(fc.stringMatching(/^[a-z]{1,64}$/), host).map(([local, domain]) => `${local}@${domain}`),
  'ip-address': ({ reserved }) =>
    fc.constantFrom('9.9.9.9', '2a00::1', ...(reserved === 'allow' ? ['10.0.0.1', '::1'] : [])),
  uri: () => host.map((name) => `https://${name}/a?b#c`),
};

/** Made from what the answer says, and nothing else. */
function valueBy(rule: NamedRule): fc.Arbitrary<string> {
  const { max_characters: charactersMax = 2048, forms = [] } = rule;
  const patterns = forms.flatMap(({ pattern }) => (pattern === undefined ? [] : [new RegExp(pattern)]));
  const nameForm = forms.find(({ pattern }) => pattern === undefined);
  const last = patterns.at(-1);
  // The narrowest form comes last; without any, letters and blanks within the bound.
  const made = nameForm
    ? withoutPattern[nameForm.name]?.(rule)
    : last
      ? fc.stringMatching(last)
      : fc.stringMatching(/^[A-Za-zé]([A-Za-zé ]*[A-Za-zé])?$/, { size: 'large' });
  if (made === undefined) throw new Error(`no texts of the form ${nameForm?.name}`);
  return made
    .map((value) => (nameForm || value.length <= charactersMax ? value : value.slice(0, charactersMax)))
    .filter((value) => value !== '' && patterns.every((pattern) => pattern.test(value)) && value.trim() === value);
}
const valuesBy = (rule: NamedRule & { readonly rule: string }) =>
  fc.uniqueArray(valueBy(rule), { minLength: isRequired(rule) ? 1 : 0, maxLength: rule.max });
const typedBy = (rules: readonly TypedRule[]) =>
  fc
    .tuple(...rules.map((rule) => valuesBy(rule).map((values) => values.map((value) => ({ type: rule.type, value })))))
    .map((lists) => lists.flat());

function contentsBy({ subject_dn, san }: Pick<ProfileBody, 'subject_dn' | 'san'>): fc.Arbitrary<RequestContent> {
  const { extra_attributes: extra, ...fields } = subject_dn;
  const { other_names: others, ...kinds } = san;
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [field, rule] of Object.entries(fields)) {
    const given: fc.Arbitrary<unknown> =
      rule.rule === 'static'
        ? fc.constant(field === 'organizational_unit' ? [rule.value] : rule.value)
        : field === 'organizational_unit'
          ? valuesBy(rule)
          : valueBy(rule);
    members[field] = isRequired(rule) ? given : fc.option(given, { nil: undefined });
  }
  if (extra) members.extra_attributes = typedBy(extra);
  const names: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [kind, rule] of Object.entries(kinds)) names[kind] = valuesBy(rule);
  if (others) names.other_names = typedBy(others);
  return fc
    .record({
      subject_dn: fc.record(members, { noNullPrototype: true }),
      san: fc.record(names, { noNullPrototype: true }),
    })
    .map((content) => content as RequestContent)
    .filter(({ subject_dn: subject, san: given }) => {
      const isNamed = Object.values({ ...subject, ...given }).some((value) => value !== undefined && value.length > 0);
      return isNamed || Object.values(fields).some(({ rule }) => rule === 'static');
    });
}

const faultsOf = (profile: ProfileDocument, content: RequestContent) =>
  checkContent(profile, content, profile.keys[0] as never);

it.each(documents.filter(({ purpose }) => purpose === 'subscriber').map((profile) => [profile.name, profile] as const))(
  '%s: whoever keeps to what is told is not refused',
  (_, profile) => {
    const told = { subject_dn: subjectRules(profile), san: nameRules(profile) };
    fc.assert(
      fc.property(contentsBy(told), (content) => {
        expect(faultsOf(profile, content)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  },
);

it('tells the bounds as they are: one value, one character more is refused', () => {
  for (const profile of documents) {
    for (const [field, rule] of Object.entries(subjectRules(profile))) {
      if (Array.isArray(rule) || rule.rule === 'static') continue;
      const [content] = fc.sample(contentsBy({ subject_dn: subjectRules(profile), san: nameRules(profile) }), 1);
      const long = 'A'.repeat(rule.max_characters + 1);
      const tooLong = {
        ...content,
        subject_dn: { ...content?.subject_dn, [field]: field === 'organizational_unit' ? [long] : long },
      };
      const tooMany = {
        ...content,
        subject_dn: { ...content?.subject_dn, organizational_unit: Array(rule.max + 1).fill('A') },
      };
      const pointers = (bad: unknown) => faultsOf(profile, bad as RequestContent).map(({ pointer }) => pointer);
      expect(pointers(tooLong)[0]).toMatch(`/subject_dn/${field}`);
      if (field === 'organizational_unit') expect(pointers(tooMany)).toContain('/subject_dn/organizational_unit');
    }
  }
});
