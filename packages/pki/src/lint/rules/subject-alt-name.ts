import type { CertificateView } from '../certificate-view.js';
import { type Der, type DerNode, derTags, isOid } from '../der.js';
import { dnsFaults, dnsNameFaults, generalNames, isMailbox, isOtherName, nameTags, readUri } from '../general-names.js';
import { readName } from '../name-view.js';
import { fixedRule, variableRule } from '../rule.js';
import type { LintRule } from '../types.js';

const pointer = 'extensions.subjectAltName';
const source = 'RFC 5280 4.2.1.6';

/** The names; `undefined` when the extension is absent or holds something else. */
function namesOf(
  certificate: CertificateView,
  extension: 'subjectAltName' | 'issuerAltName',
): readonly DerNode[] | undefined {
  const value = certificate.valueOf(extension);
  return value?.tag === derTags.sequence ? generalNames(certificate.der, value) : undefined;
}

/** A rule about each name of one kind. */
function nameRule(
  name: string,
  ruleSource: string,
  tag: number,
  fault: (der: Der, node: DerNode) => string | undefined,
): LintRule {
  return variableRule(name, ruleSource, pointer, (certificate, _context, report) => {
    const { der } = certificate;
    const value = certificate.valueOf('subjectAltName');
    if (value?.tag !== derTags.sequence) return;
    let index = 0;
    for (let at = value.content; at < value.end; index += 1) {
      const node = der.node(at, value.end);
      if (node === undefined) return;
      const detail = node.tag === tag ? fault(der, node) : undefined;
      if (detail !== undefined) report(detail, `${pointer}.${index}`);
      at = node.end;
    }
  });
}

function dnsRule(name: string, ruleSource: string, bit: number, detail: string): LintRule {
  return nameRule(name, ruleSource, nameTags.dnsName, ({ bytes }, { content, end }) =>
    (dnsNameFaults(bytes, content, end) & bit) !== 0 ? detail : undefined,
  );
}

function syntaxRules(extension: 'subjectAltName' | 'issuerAltName', name: string, ruleSource: string): LintRule[] {
  const make = extension === 'subjectAltName' ? variableRule : fixedRule;
  return [
    make(`${name}-syntax`, ruleSource, `extensions.${extension}`, (certificate, _context, report) => {
      if (certificate.valueOf(extension) !== undefined && namesOf(certificate, extension) === undefined) {
        report('is not a SEQUENCE of GeneralNames');
      }
    }),
    make(`${name}-not-empty`, ruleSource, `extensions.${extension}`, (certificate, _context, report) => {
      if (namesOf(certificate, extension)?.length === 0) report('must hold one name at least');
    }),
  ];
}

const otherKinds: readonly LintRule[] = [
  nameRule('san-email', source, nameTags.rfc822Name, ({ bytes }, { content, end }) =>
    isMailbox(bytes, content, end) ? undefined : 'must be a mail address in ASCII',
  ),
  nameRule('san-uri', source, nameTags.uri, ({ bytes }, { content, end }) =>
    readUri(bytes, content, end) === undefined ? 'must be an absolute URI in ASCII, with a host if any' : undefined,
  ),
  nameRule('san-ip-address', source, nameTags.ipAddress, (_der, { content, end }) =>
    end - content === 4 || end - content === 16 ? undefined : 'must have 4 or 16 octets',
  ),
  nameRule('san-directory-name', source, nameTags.directoryName, (der, name) => {
    const [inner, more] = der.children(name);
    const attributes = inner === undefined || more !== undefined ? null : readName(der, inner);
    return attributes === null || attributes.length === 0 ? 'must be a Name that is not empty' : undefined;
  }),
  nameRule('san-other-name', source, nameTags.otherName, (der, name) =>
    isOtherName(der, name) ? undefined : 'must be an OBJECT IDENTIFIER and one value under [0]',
  ),
  nameRule('san-registered-id', source, nameTags.registeredId, ({ bytes }, { content, end }) =>
    isOid(bytes, content, end) ? undefined : 'must be an OBJECT IDENTIFIER',
  ),
  nameRule('san-no-x400', 'BR 7.1.2.7.12', nameTags.x400Address, () => 'must not be an X.400 address'),
  nameRule('san-no-edi', 'BR 7.1.2.7.12', nameTags.ediPartyName, () => 'must not be an EDI party'),
];

export const subjectAltNameRules: readonly LintRule[] = [
  ...syntaxRules('subjectAltName', 'san', source),
  variableRule(
    'san-not-critical',
    source,
    pointer,
    (certificate, _context, report) => {
      if (certificate.extension('subjectAltName')?.critical === true && (certificate.subject?.length ?? 0) > 0) {
        report('should be critical only beside an empty subject');
      }
    },
    { severity: 'warning' },
  ),
  dnsRule('san-dns-syntax', 'RFC 1034 3.5', dnsFaults.syntax, 'must be labels of letters, digits and inner hyphens'),
  dnsRule('san-dns-no-underscore', 'BR 7.1.2.7.12', dnsFaults.underscore, 'must not hold an underscore'),
  dnsRule('san-dns-wildcard', 'RFC 9525 6.3', dnsFaults.wildcard, 'must have a wildcard as whole first label only'),
  dnsRule('san-dns-a-label', 'RFC 5890 2.3.1', dnsFaults.aLabel, 'has a label with "--" that is no A-label'),
  dnsRule('san-dns-top-level', 'RFC 1123 2.1', dnsFaults.topLevel, 'must not end in a number'),
  ...otherKinds,
  ...syntaxRules('issuerAltName', 'issuer-alt-name', 'RFC 5280 4.2.1.7'),
];
