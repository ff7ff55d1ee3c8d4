import { SluiceError } from '@sluice/errors';
import type { CaRow } from '@sluice/ledger';
import {
  assembleCertificate,
  compileTemplate,
  type Issuer,
  type LintFinding,
  type LintKind,
  lintTbs,
  type ProfileDocument,
  profileKeyKinds,
  type RequestContent,
  readCertificate,
  type SubjectDn,
  type Template,
  validityOf,
  validitySecondsMax,
} from '@sluice/pki';
import type { ProfileWarning } from '@sluice/registry-protocol';
import { sampleKey } from './sample-keys.js';

/** The CA that signs by a profile, as far as a sample needs it. */
export interface SampleIssuer extends Pick<CaRow, 'subjectDer' | 'keyAlgorithm' | 'spki'> {
  /** The subject of the CA when the profile is the one by which it, a root, signs itself. */
  readonly self?: SubjectDn;
}

/**
 * What certificates by this profile would break, whoever asks: a sample for each kind of key that it takes, compiled as
 * a signer does and read back. Names are the request's and left out. A CA that has no key yet gets one of its kind.
 */
function lintProfile(document: ProfileDocument, issuer: SampleIssuer, now: Date): LintFinding[] {
  const issuerKind = profileKeyKinds.find((kind) => kind === issuer.keyAlgorithm);
  const spki = issuer.spki ?? (issuerKind && sampleKey(issuerKind));
  if (spki === undefined) throw new SluiceError('internal', `there is no sample of a key ${issuer.keyAlgorithm}`);
  const signer: Issuer = { subjectDer: issuer.subjectDer, spki };
  const template = compileTemplate(document, signer);
  const kinds = issuer.self === undefined || issuerKind === undefined ? document.keys : [issuerKind];
  const found = new Map<string, LintFinding>();
  for (const kind of kinds) {
    const key = issuer.self === undefined ? sampleKey(kind) : spki;
    for (const finding of lintSample(document, issuer, signer, template, key, now)) {
      found.set(`${finding.rule} ${finding.pointer} ${finding.detail}`, finding);
    }
  }
  return [...found.values()];
}

/**
 * Lints a profile before it is put into force. Returns what is worth a warning. Throws `profile-invalid` with every rule
 * that certificates by it would break; `pointer` is the member of the call that holds the document.
 */
export function checkProfileLint(
  document: ProfileDocument,
  issuer: SampleIssuer,
  now: Date,
  pointer: string,
): ProfileWarning[] {
  const findings = lintProfile(document, issuer, now);
  const tellAll = (severity: LintFinding['severity']) =>
    findings
      .filter((finding) => finding.severity === severity)
      .map(({ rule, source, pointer: path = '', detail }) => ({ rule, source, path, detail }));
  const errors = tellAll('error');
  const [first] = errors;
  if (first === undefined) return tellAll('warning');
  const rest = errors.length > 1 ? `; and ${errors.length - 1} more` : '';
  const said = `Certificates by ${document.name} would break a rule: ${first.path} ${first.detail}`;
  throw new SluiceError('profile-invalid', `${said} (${first.rule}, ${first.source})${rest}`, {
    facts: { pointer, findings: errors.map((error) => ({ pointer, code: 'lint-failed', ...error })) },
  });
}

function lintSample(
  document: ProfileDocument,
  issuer: SampleIssuer,
  signer: Issuer,
  template: Template,
  spki: Uint8Array,
  now: Date,
): LintFinding[] {
  const notBefore = new Date(Math.floor(now.getTime() / 1000 - document.backdate_seconds) * 1000);
  const content = issuer.self === undefined ? sampleContent(document) : { subject_dn: issuer.self, san: {} };
  // The longest that can be asked for: what is wrong with a life is wrong with a long one.
  const secondsMax = validitySecondsMax(document);
  const end = new Date(notBefore.getTime() + (secondsMax - 1) * 1000).toISOString();
  const validity = validityOf(document, notBefore, null, { not_after: end });
  const fill = (key: Uint8Array): Uint8Array =>
    template.fill({ serial: sampleSerial, ...validity, content, spki: key });
  const findings = lintTbs(fill(spki), {
    kind: kindOf(document, issuer),
    issuer: { ...signer, ski: keyIdentifierOf(template, fill(signer.spki)) },
    subjectSpki: spki,
    validitySecondsMax: secondsMax,
    signingTime: now,
  });
  return findings.filter(({ pointer }) => issuer.self !== undefined || !isOfRequest(pointer ?? ''));
}

/**
 * What the CA's key gets as its identifier in a certificate made here. A signer compares with the certificate itself,
 * which a CA may not have yet.
 */
function keyIdentifierOf(template: Template, withItsKey: Uint8Array): Uint8Array {
  const made = assembleCertificate(withItsKey, template.signatureAlgorithm, new Uint8Array(1));
  return readCertificate(made).ski ?? new Uint8Array();
}

function kindOf({ purpose }: ProfileDocument, { self }: SampleIssuer): LintKind {
  if (purpose !== 'ca-certificate') return purpose;
  return self === undefined ? 'subordinate-ca' : 'root';
}

const sampleSerial = Uint8Array.from({ length: 16 }, (_, index) => 0x41 + index);

/** Names in a sample are made up: what is wrong with them says nothing about the profile. */
function isOfRequest(pointer: string): boolean {
  return /^(subject|extensions\.subjectAltName)(\.|$)/.test(pointer);
}

const sampleSubject: SubjectDn = {
  country: 'CH',
  state: 'Zug',
  locality: 'Zug',
  organization: 'Sample',
  organizational_unit: ['Sample'],
  common_name: 'sample.example.test',
  serial_number: 'A-1',
  email: 'sample@example.test',
};
const sampleSan = {
  dns_names: ['sample.example.test'],
  emails: ['sample@example.test'],
  ip_addresses: ['192.0.2.1'],
  uris: ['https://example.test/sample'],
};

/** A value for every field that a request may give. */
function sampleContent({ subject, san }: ProfileDocument): RequestContent {
  const isTaken = (rule: unknown): boolean =>
    typeof rule === 'object' && rule !== null && 'rule' in rule
      ? isTaken(rule.rule)
      : rule === 'required' || rule === 'optional';
  const taken = <T extends object>(values: T, rules: object): Partial<T> => {
    const names = new Set(Object.entries(rules).flatMap(([name, rule]) => (isTaken(rule) ? [name] : [])));
    return Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name))) as Partial<T>;
  };
  return { subject_dn: taken(sampleSubject, subject), san: taken(sampleSan, san) };
}
