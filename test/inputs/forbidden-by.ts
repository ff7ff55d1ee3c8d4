import { createPublicKey } from 'node:crypto';
import { isIP } from 'node:net';
import type { FieldRule, ProfileDocument, SanRule, TypedRule, TypedValue } from '@sluice/pki';
import type { Order } from './expected-certificate.js';

// What a profile forbids, decided anew: for orders that were issued although something was done to them.

/** Every reason why this order must not be issued by this profile; the CSR's own are `csrFaults`'. */
export function forbiddenBy(document: ProfileDocument, order: Order, spki: Uint8Array): string[] {
  const faults: string[] = [];
  const refuse = (fault: string): void => void faults.push(fault);
  for (const member of Object.keys(order)) {
    if (!['profile', 'subject_dn', 'san', 'csr', 'public_key', 'proof', 'validity'].includes(member))
      refuse(`member ${member}`);
  }
  if (order.profile !== document.name) refuse('another profile');
  if (order.validity !== undefined && Object.keys(order.validity).length > 0) {
    if (document.requested_validity === undefined) refuse('a validity');
  }
  checkSubject(document, order.subject_dn, refuse);
  checkNames(document, order.san ?? {}, refuse);
  checkTyped(document.extra_attributes, order.subject_dn.extra_attributes, refuse);
  checkTyped(document.other_names, order.san?.other_names, refuse);
  const kind = kindOf(spki);
  if (!(document.keys as readonly string[]).includes(kind)) refuse(`a key of ${kind}`);
  return faults;
}

type Refuse = (fault: string) => void;

const bounds: Readonly<Record<string, number>> = {
  ...{ country: 2, state: 128, locality: 128, street_address: 128, organization: 64, organizational_unit: 64 },
  ...{ common_name: 64, serial_number: 64, email: 255 },
};
const forms: Readonly<Record<string, RegExp>> = {
  country: /^[A-Z][A-Z]$/,
  serial_number: /^[A-Za-z0-9 '()+,./:=?-]+$/,
  email: /^[!-~]+@[!-~]+$/,
};

function checkSubject(document: ProfileDocument, subject: Order['subject_dn'], refuse: Refuse): void {
  for (const [field, value] of Object.entries(subject)) {
    if (field === 'extra_attributes') continue;
    const rule: FieldRule = document.subject[field as keyof ProfileDocument['subject']] ?? 'forbidden';
    const values = [value].flat() as string[];
    if (values.length === 0) continue;
    if (rule === 'forbidden' || !(field in bounds)) refuse(`${field} is not allowed`);
    if (typeof rule === 'object' && 'static' in rule && (values.length > 1 || values[0] !== rule.static)) {
      refuse(`${field} is static`);
    }
    const limits = typeof rule === 'object' && 'rule' in rule ? rule : undefined;
    if (values.length > (Array.isArray(value) ? (limits?.max ?? 8) : 1)) refuse(`${values.length} of ${field}`);
    for (const text of values) {
      const max = Math.min(bounds[field] ?? 0, limits?.max_characters ?? 255);
      if (!isText(text, max) || forms[field]?.test(text) === false) refuse(`${field} ${JSON.stringify(text)}`);
      if (limits?.format !== undefined && !hasFormat(limits.format, text)) refuse(`${field} is no ${limits.format}`);
    }
  }
  for (const [field, rule] of Object.entries(document.subject)) {
    const need = typeof rule === 'object' && 'rule' in rule ? rule.rule : rule;
    if (need === 'required' && [subject[field] ?? []].flat().length === 0) refuse(`${field} is missing`);
  }
}

function isText(text: unknown, max: number): boolean {
  if (typeof text !== 'string') return false;
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const isBad = (point: number): boolean =>
    point < 0x20 ||
    (point >= 0x7f && point < 0xa0) ||
    (point >= 0xd800 && point < 0xe000) ||
    (point >= 0x200b && point <= 0x200f) ||
    (point >= 0x2028 && point <= 0x202e) ||
    (point >= 0x2066 && point <= 0x2069);
  return points.length > 0 && points.length <= max && !points.some(isBad) && !/^\s|\s$/.test(text);
}

function isHost(name: string, wildcards = false): boolean {
  const rest = wildcards && /^\*\.[^.]+\../.test(name) ? name.slice(2) : name;
  const labels = rest.split('.');
  const isLabel = (label: string): boolean => /^[a-z0-9-]{1,63}$/.test(label) && !/^-|-$|^(?!xn)..--/.test(label);
  // What WHATWG URL takes for a host as it stands is neither an address nor wrong Punycode.
  return name.length <= 253 && labels.every(isLabel) && hostOf(rest) === rest;
}

function hostOf(name: string): string | undefined {
  return URL.canParse(`http://${name}/`) ? new URL(`http://${name}/`).hostname : undefined;
}

function isMail(mail: string): boolean {
  const [local = '', host = '', ...more] = mail.split('@');
  return (
    more.length === 0 &&
    mail.length <= 254 &&
    /^[!-~]{1,64}$/.test(local) &&
    !/["(),:;<>[\]\\]|^\.|\.$|\.\./.test(local) &&
    isHost(host)
  );
}

function isUri(uri: string): boolean {
  if (!/^https?:\/\/[!-~]{1,2041}$/.test(uri) || !URL.canParse(uri)) return false;
  const { protocol, hostname, username, password } = new URL(uri);
  return /^https?:$/.test(protocol) && hostname !== '' && username === '' && password === '';
}

const reservedHost =
  /^([^@]*@)?([^.@]+|([^@]*\.)?(test|example|example\.(com|net|org)|invalid|localhost|local|onion|alt|internal|(home|in-addr|ip6)\.arpa))$/;
const reservedAddress =
  /^(0|10|127|192\.168|192\.0\.[02]|169\.254|172\.(1[6-9]|2\d|3[01])|198\.1[89]|198\.51\.100|203\.0\.113|22[4-9]|2[345]\d)\.|^(::1?$|f[cdef]|2001:db8:|2002:)/;

/** The host or address of a name of any kind. */
function isReserved(name: string): boolean {
  const host = /^https?:/.test(name) ? new URL(name).hostname.replace(/[[\]]/g, '') : name.replace(/^\*\./, '');
  return isIP(host) > 0 ? reservedAddress.test(host) : reservedHost.test(host);
}

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  digits: (text) => /^\d+$/.test(text),
  hex: (text) => /^[\da-f]+$/.test(text),
  'letters-digits': (text) => /^[\dA-Za-z]+$/.test(text),
  identifier: (text) => /^[\dA-Za-z][\dA-Za-z._-]*$/.test(text),
  uuid: (text) => /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/.test(text),
  'dns-name': (text) => isHost(text),
  email: isMail,
};

function hasFormat(format: string, text: string): boolean {
  return formats[format]?.(text) === true;
}

function checkNames(document: ProfileDocument, san: NonNullable<Order['san']>, refuse: Refuse): void {
  const isName: Readonly<Record<string, (name: string, rule: SanRule) => boolean>> = {
    dns_names: (name, { wildcards }) => isHost(name, wildcards),
    emails: isMail,
    ip_addresses: (name) => isIP(name) > 0 && !name.includes('%'),
    uris: isUri,
  };
  for (const [kind, names] of Object.entries(san)) {
    if (kind === 'other_names' || names.length === 0) continue;
    const rule = document.san[kind as keyof ProfileDocument['san']];
    if (rule === undefined || rule.rule === 'forbidden') refuse(`${kind} are not allowed`);
    else if (names.length > rule.max || new Set<unknown>(names).size < names.length)
      refuse(`${kind}: too many, or twice`);
    for (const name of names as readonly string[]) {
      if (rule === undefined || isName[kind]?.(name, rule) !== true) refuse(`${kind} ${JSON.stringify(name)}`);
      if (rule?.reserved !== 'allow' && isReserved(name)) refuse(`${kind} ${JSON.stringify(name)} is reserved`);
    }
  }
  for (const [kind, { rule }] of Object.entries(document.san)) {
    if (rule === 'required' && (san[kind] ?? []).length === 0) refuse(`${kind} are missing`);
  }
}

function checkTyped(rules: readonly TypedRule[] = [], asked: unknown, refuse: Refuse): void {
  const values = (asked ?? []) as readonly TypedValue[];
  for (const { type, value } of values) {
    const rule = rules.find(({ oid }) => oid === type);
    const characters = { utf8: /^/, printable: forms.serial_number, ia5: /^[ -~]*$/ }[rule?.type ?? 'utf8'];
    const isAllowed =
      rule !== undefined && isText(value, rule.max_characters ?? 255) && characters?.test(value) === true;
    if (!isAllowed) refuse(`${type} ${JSON.stringify(value)}`);
    else if (rule.format !== undefined && !hasFormat(rule.format, value)) refuse(`${type} is no ${rule.format}`);
  }
  for (const { oid, rule, max } of rules) {
    const found = values.filter(({ type }) => type === oid).map(({ value }) => value);
    if (found.length > max || new Set(found).size < found.length) refuse(`${oid}: too many, or twice`);
    if (rule === 'required' && found.length === 0) refuse(`${oid} is missing`);
  }
}

/** By OpenSSL's reading. */
function kindOf(spki: Uint8Array): string {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const curves: Readonly<Record<string, string>> = {
    prime256v1: 'ec-p256',
    secp384r1: 'ec-p384',
    secp521r1: 'ec-p521',
  };
  if (key.asymmetricKeyType === 'rsa') return `rsa-${modulusLength}`;
  return key.asymmetricKeyType === 'ec' ? (curves[namedCurve] ?? namedCurve) : (key.asymmetricKeyType ?? '');
}
