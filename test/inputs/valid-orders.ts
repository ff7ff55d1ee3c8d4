import type { FieldRule, ProfileDocument, SanRule, TypedRule } from '@sluice/pki';
import * as fc from 'fast-check';
import {
  anyAddress,
  anyCountry,
  anyHost,
  anyIa5,
  anyMail,
  anyPrintable,
  anyPublicAddress,
  anyPublicHost,
  anyPublicUri,
  anyText,
  anyUri,
  anyWildcard,
  formats,
} from './arbitrary-texts.js';
import type { Order } from './expected-certificate.js';
import { csrForms, type SoundCsr } from './subject-keys.js';

/** A request that its profile has nothing against, and what a test must know beside it. */
export interface ValidOrder {
  readonly document: ProfileDocument;
  readonly order: Order;
  readonly csr: SoundCsr;
  /** The key itself, with a proof of possession, in place of the CSR. */
  readonly byProof: boolean;
  /** A validity to be asked for: its begin, in seconds from when it is sent, and its length. */
  readonly life: { readonly beginS: number; readonly lengthS: number } | undefined;
  /** The same order as JSON, in one of its writings. */
  readonly body: string;
}

/** RFC 5280 appendix A, in characters. */
const charactersMax: Readonly<Record<string, number>> = {
  ...{ country: 2, state: 128, locality: 128, street_address: 128, organization: 64, organizational_unit: 64 },
  ...{ common_name: 64, serial_number: 64, email: 255 },
};

/** Valid orders of one profile; `csrs` are those of all keys. */
export function validOrders(document: ProfileDocument, csrs: readonly SoundCsr[]): fc.Arbitrary<ValidOrder> {
  const kinds: readonly string[] = document.keys;
  const fitting = csrs.filter(({ kind }) => kinds.includes(kind));
  return fc
    .record({
      subject: subjectOf(document),
      san: namesOf(document),
      csr: fc.constantFrom(...fitting),
      byProof: fc.constantFrom(false, false, false, true),
      life: lifeOf(document),
      form: fc.constantFrom(...Object.values(csrForms)),
      writing: fc.constantFrom(...writings),
    })
    .filter(({ subject, san }) => isNamed(document, subject, san))
    .map(({ subject, san, csr, byProof, life, form, writing }) => {
      const given = Object.keys(san).length > 0 ? { san } : {};
      const order: Order = { profile: document.name, subject_dn: subject, ...given, csr: form(csr.der) };
      return { document, order, csr, byProof, life, body: writing(order) };
    });
}

/** What becomes of an order in the time between is no part of it. */
const underWayMaxS = 600;

/** Within the profile's bounds, at them too; not so near to the past that it is over before it is signed. */
function lifeOf({ requested_validity: rule }: ProfileDocument): fc.Arbitrary<ValidOrder['life']> {
  if (rule === undefined) return fc.constant(undefined);
  const { min_seconds: min, max_seconds: max, back_seconds: back, ahead_seconds: ahead } = rule;
  return fc.option(
    fc
      .record({
        beginS: fc.oneof(fc.constant(ahead), fc.integer({ min: Math.min(0, underWayMaxS - back), max: ahead })),
        lengthS: fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max })),
      })
      .filter(({ beginS, lengthS }) => beginS + lengthS > underWayMaxS),
    { nil: undefined },
  );
}

/** The order as it is sent at this time. */
export function asSentAt({ order, life }: ValidOrder, now: Date): Order {
  if (life === undefined) return order;
  const beginMs = (Math.floor(now.getTime() / 1000) + life.beginS) * 1000;
  const text = (ms: number): string => new Date(ms).toISOString().replace('.000', '');
  const validity = { not_before: text(beginMs), not_after: text(beginMs + (life.lengthS - 1) * 1000) };
  return { ...order, validity };
}

type Fields = Order['subject_dn'];
type Names = NonNullable<Order['san']>;

/** Some order of members, some white space, some escapes: all the same to JSON. */
const writings: readonly ((order: Order) => string)[] = [
  (order) => JSON.stringify(order),
  ({ csr, ...others }) => JSON.stringify({ csr, ...others }, null, '\t'),
  (order) =>
    JSON.stringify(order).replace(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
];

/** RFC 5280 4.1.2.6: somebody must be named. */
function isNamed(document: ProfileDocument, subject: Fields, san: Names): boolean {
  const hasStatic = Object.values(document.subject).some((rule) => typeof rule === 'object' && 'static' in rule);
  return hasStatic || [...Object.values(subject), ...Object.values(san)].some((value) => value.length > 0);
}

function subjectOf(document: ProfileDocument): fc.Arbitrary<Fields> {
  const members: Record<string, fc.Arbitrary<Fields[string]>> = {};
  const required: string[] = [];
  for (const [field, rule] of Object.entries(document.subject) as [string, FieldRule][]) {
    if (rule === 'forbidden') continue;
    members[field] = fieldOf(field, rule);
    if (rule === 'required' || (typeof rule === 'object' && 'rule' in rule && rule.rule === 'required'))
      required.push(field);
  }
  addTyped(members, required, 'extra_attributes', document.extra_attributes);
  return fc.record(members, { requiredKeys: required, noNullPrototype: true });
}

function fieldOf(field: string, rule: FieldRule): fc.Arbitrary<Fields[string]> {
  const isList = field === 'organizational_unit';
  if (typeof rule === 'object' && 'static' in rule) return fc.constant(isList ? [rule.static] : rule.static);
  const limits: Extract<FieldRule, { rule: string }> =
    typeof rule === 'object' ? rule : { rule: rule === 'required' ? rule : 'optional' };
  const max = Math.min(charactersMax[field] ?? 0, limits.max_characters ?? 255);
  const one = limits.format === undefined ? textOf(field, max) : formats[limits.format]?.(max);
  if (one === undefined) throw new Error(`no texts of format ${limits.format}`);
  if (!isList) return one;
  return fc.array(one, { minLength: limits.rule === 'required' ? 1 : 0, maxLength: limits.max ?? 8 });
}

function textOf(field: string, max: number): fc.Arbitrary<string> {
  if (field === 'country') return anyCountry;
  if (field === 'serial_number') return anyPrintable(max);
  if (field === 'email') return anyMail(max);
  return anyText(max);
}

function namesOf(document: ProfileDocument): fc.Arbitrary<Names> {
  const members: Record<string, fc.Arbitrary<Names[string]>> = {};
  const required: string[] = [];
  const kinds: Readonly<Record<string, (rule: SanRule) => fc.Arbitrary<string>>> = {
    dns_names: ({ wildcards, reserved }) => {
      const host = reserved === 'allow' ? anyHost : anyPublicHost;
      return wildcards === true
        ? fc.oneof(
            host,
            reserved === 'allow' ? anyWildcard : host.map((name) => `*.${name.slice(-240).replace(/^[.-]+/, '')}`),
          )
        : host;
    },
    emails: ({ reserved }) => anyMail(254, reserved === 'allow' ? anyHost : anyPublicHost),
    ip_addresses: ({ reserved }) => (reserved === 'allow' ? anyAddress : anyPublicAddress),
    uris: ({ reserved }) => (reserved === 'allow' ? anyUri : anyPublicUri),
  };
  for (const [kind, rule] of Object.entries(document.san) as [string, SanRule][]) {
    const one = rule.rule === 'forbidden' ? undefined : kinds[kind]?.(rule);
    if (one === undefined) continue;
    const isRequired = rule.rule === 'required';
    const count = { minLength: isRequired ? 1 : 0, maxLength: Math.min(rule.max, kind === 'uris' ? 4 : 12) };
    members[kind] = fc.uniqueArray(one, { ...count, selector: kind === 'ip_addresses' ? sameAddress : (name) => name });
    if (isRequired) required.push(kind);
  }
  addTyped(members, required, 'other_names', document.other_names);
  return fc.record(members, { requiredKeys: required, noNullPrototype: true });
}

/** One address has many writings in IPv6. */
function sameAddress(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]`).hostname : address;
}

/** A list of values by OBJECT IDENTIFIER, in any order. */
function addTyped<T>(
  members: Record<string, fc.Arbitrary<T>>,
  required: string[],
  member: string,
  rules: readonly TypedRule[] = [],
): void {
  if (rules.length === 0) return;
  const lists = rules.map(({ oid, rule, type, max, format, max_characters: characters = 255 }) => {
    const plain = { utf8: anyText, printable: anyPrintable, ia5: anyIa5 }[type];
    const one = (format === undefined ? plain : formats[format])?.(characters) ?? anyText(characters);
    return fc
      .uniqueArray(one, { minLength: rule === 'required' ? 1 : 0, maxLength: max })
      .map((values) => values.map((value) => ({ type: oid, value })));
  });
  const all = fc.tuple(...lists).chain((of) => fc.shuffledSubarray(of.flat(), { minLength: of.flat().length }));
  members[member] = all as unknown as fc.Arbitrary<T>;
  if (rules.some(({ rule }) => rule === 'required')) required.push(member);
}
