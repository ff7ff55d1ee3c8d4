import type { CertificateView } from '../certificate-view.js';
import { type Der, derTags } from '../der.js';
import { isMailbox, nameTags } from '../general-names.js';
import { type AttributeView, attributeName, type NameView } from '../name-view.js';
import { fixedRule, variableRule } from '../rule.js';
import { isIa5String, utf8Characters } from '../strings.js';
import { caKinds, endEntityKinds, type LintRule } from '../types.js';

type Which = 'issuer' | 'subject';

/** Sees one attribute; gives what is wrong with it. */
type AttributeCheck = (der: Der, attribute: AttributeView) => string | undefined;

/** Characters of a string value; octets where the type tells no other. */
function charactersOf(der: Der, { value }: AttributeView): number {
  if (value.tag === derTags.utf8String) {
    const characters = utf8Characters(der.bytes, value.content, value.end);
    if (characters >= 0) return characters;
  }
  const octets = value.end - value.content;
  if (value.tag === derTags.bmpString) return octets / 2;
  return value.tag === derTags.universalString ? octets / 4 : octets;
}

const attributeRules: readonly (readonly [name: string, source: string, check: AttributeCheck])[] = [
  [
    'directory-string',
    'RFC 5280 4.1.2.4',
    (_der, { type, value }) => {
      if (type?.form !== 'directory' || isUtf8OrPrintable(value.tag)) return undefined;
      return 'must be a UTF8String or PrintableString';
    },
  ],
  [
    'printable-string',
    'RFC 5280 A.1',
    (_der, { type, value }) =>
      (type?.form === 'printable' || type?.form === 'country') && value.tag !== derTags.printableString
        ? 'must be a PrintableString'
        : undefined,
  ],
  [
    'ia5-string',
    'RFC 5280 A.1',
    (_der, { type, value }) =>
      type?.form === 'ia5' && value.tag !== derTags.ia5String ? 'must be an IA5String' : undefined,
  ],
  [
    'country-code',
    'RFC 5280 A.1',
    (der, { type, value }) => {
      if (type?.form !== 'country' || value.end - value.content > 2 || value.end === value.content) return undefined;
      const isCode =
        value.end - value.content === 2 && isCapital(der, value.content) && isCapital(der, value.content + 1);
      return isCode ? undefined : 'must be two capital letters (ISO 3166)';
    },
  ],
  [
    'upper-bound',
    'RFC 5280 A.1',
    (der, attribute) => {
      const charactersMax = attribute.type?.charactersMax;
      // No value has more characters than octets.
      if (charactersMax === undefined || attribute.value.end - attribute.value.content <= charactersMax)
        return undefined;
      return charactersOf(der, attribute) > charactersMax ? `must have at most ${charactersMax} characters` : undefined;
    },
  ],
  [
    'value-not-empty',
    'RFC 5280 A.1',
    (_der, { value }) => (value.end === value.content ? 'must have at least one character' : undefined),
  ],
  ['no-control-characters', 'RFC 4518 2.2', (der, { value }) => controlFault(der, value.tag, value.content, value.end)],
  [
    'email-mailbox',
    'RFC 5280 4.1.2.6',
    (der, { type, value }) => {
      if (type?.name !== 'emailAddress' || value.tag !== derTags.ia5String || value.end === value.content) {
        return undefined;
      }
      // What is too long, or not ASCII, has a rule of its own.
      if (value.end - value.content > 254 || !isIa5String(der.bytes, value.content, value.end)) return undefined;
      if (controlFault(der, value.tag, value.content, value.end) !== undefined) return undefined;
      return isMailbox(der.bytes, value.content, value.end) ? undefined : 'must be a mail address';
    },
  ],
  ['single-valued', 'BR 7.1.4.1', (_der, { shared }) => (shared ? 'must stand in an RDN of its own' : undefined)],
];

/** Only these are kept apart by readers that trim (RFC 4518 2.6.1). */
const blankRule: (typeof attributeRules)[number] = [
  'no-outer-blanks',
  'RFC 4518 2.6.1',
  (der, { value }) => {
    if (!isUtf8OrPrintable(value.tag) || value.end === value.content) return undefined;
    const outer = der.bytes[value.content] === 0x20 || der.bytes[value.end - 1] === 0x20;
    return outer ? 'begins or ends with a blank' : undefined;
  },
];

function isUtf8OrPrintable(tag: number): boolean {
  return tag === derTags.utf8String || tag === derTags.printableString;
}

function isCapital(der: Der, at: number): boolean {
  const octet = der.bytes[at] ?? 0;
  return octet >= 0x41 && octet <= 0x5a;
}

/** C0, DEL and, in UTF-8, C1: two names that differ by them alone look the same. */
function controlFault(der: Der, tag: number, content: number, end: number): string | undefined {
  if (tag !== derTags.utf8String && tag !== derTags.ia5String && tag !== derTags.teletexString) return undefined;
  for (let at = content; at < end; at += 1) {
    const octet = der.bytes[at] ?? 0;
    const isC1 = octet === 0xc2 && tag === derTags.utf8String && (der.bytes[at + 1] ?? 0xff) < 0xa0;
    if (octet < 0x20 || octet === 0x7f || isC1) return 'must not hold control characters';
  }
  return undefined;
}

/** The rules that issuer and subject share, under two names: the issuer's are fixed by the CA. */
function nameRules(which: Which): LintRule[] {
  const make = which === 'issuer' ? fixedRule : variableRule;
  const nameOf = (certificate: CertificateView): NameView | null => certificate[which];
  const perAttribute = ([name, source, check]: (typeof attributeRules)[number], severity: LintRule['severity']) =>
    make(
      `${which}-${name}`,
      source,
      which,
      (certificate, _context, report) => {
        for (const attribute of nameOf(certificate) ?? []) {
          const detail = check(certificate.der, attribute);
          if (detail !== undefined) report(detail, `${which}.${attributeName(certificate.der, attribute)}`);
        }
      },
      { severity },
    );
  return [
    make(`${which}-syntax`, 'RFC 5280 4.1.2.4', which, (certificate, _context, report) => {
      if (nameOf(certificate) === null) report('is not a Name');
    }),
    ...attributeRules.map((row) => perAttribute(row, 'error')),
    perAttribute(blankRule, 'warning'),
    make(`${which}-attribute-once`, 'BR 7.1.4.1', which, (certificate, _context, report) => {
      const name = nameOf(certificate) ?? [];
      for (let index = 1; index < name.length; index += 1) {
        const type = name[index]?.type;
        if (type === undefined || type.repeats) continue;
        for (let earlier = 0; earlier < index; earlier += 1) {
          if (name[earlier]?.type === type) report('must stand in the name once only', `${which}.${type.name}`);
        }
      }
    }),
    make(
      `${which}-attribute-order`,
      'BR 7.1.4.2',
      which,
      (certificate, _context, report) => {
        let last = 0;
        for (const { type } of nameOf(certificate) ?? []) {
          if (type?.place === undefined) continue;
          if (type.place < last) report('stands after an attribute that it should precede', `${which}.${type.name}`);
          last = type.place;
        }
      },
      { severity: 'warning' },
    ),
  ];
}

const issuerRules: readonly LintRule[] = [
  fixedRule('issuer-not-empty', 'RFC 5280 4.1.2.4', 'issuer', ({ issuer }, _context, report) => {
    if (issuer?.length === 0) report('must name the CA');
  }),
  // Compared as octets: a CA that encodes its own name in another way is another one for many readers.
  fixedRule('issuer-is-the-ca', 'RFC 5280 4.1.2.4', 'issuer', ({ der, members }, { issuer }, report) => {
    if (issuer !== undefined && !der.nodeIs(members.issuer, issuer.subjectDer)) {
      report("must be the octets of the CA's subject");
    }
  }),
  variableRule(
    'root-self-issued',
    'RFC 5280 3.2',
    'subject',
    ({ der, members }, _context, report) => {
      if (!der.nodeIs(members.subject, der.bytes.subarray(members.issuer.start, members.issuer.end))) {
        report('must be the issuer, to the octet, in a certificate signed by its own key');
      }
    },
    { appliesTo: ['root'] },
  ),
];

const subjectRules: readonly LintRule[] = [
  variableRule(
    'ca-subject-not-empty',
    'RFC 5280 4.1.2.6',
    'subject',
    ({ subject }, _context, report) => {
      if (subject?.length === 0) report('must name the CA');
    },
    { appliesTo: caKinds },
  ),
  variableRule(
    'subject-or-critical-san',
    'RFC 5280 4.1.2.6',
    'subject',
    (certificate, _context, report) => {
      if (certificate.subject?.length !== 0) return;
      if (certificate.extension('subjectAltName')?.critical !== true) {
        report('is empty: a critical subjectAltName must name the holder');
      }
    },
    { appliesTo: endEntityKinds },
  ),
  variableRule(
    'subject-email-in-san',
    'RFC 5280 4.1.2.6',
    'subject.emailAddress',
    (certificate, _context, report) => {
      if (!(certificate.subject ?? []).some(({ type }) => type?.name === 'emailAddress')) return;
      const san = certificate.valueOf('subjectAltName');
      const names = san?.tag === derTags.sequence ? certificate.der.children(san) : [];
      if (!names.some(({ tag }) => tag === nameTags.rfc822Name)) {
        report('is a deprecated place for a mail address that no rfc822Name of subjectAltName tells as well');
      }
    },
    { appliesTo: ['subscriber'], severity: 'warning' },
  ),
];

export const nameRulesOfBoth: readonly LintRule[] = [
  ...nameRules('issuer'),
  ...issuerRules,
  ...nameRules('subject'),
  ...subjectRules,
];
