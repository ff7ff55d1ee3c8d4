import { domainToUnicode } from 'node:url';
import { type Der, type DerNode, derTags } from './der.js';
import { asciiText } from './strings.js';

/** Tags of a GeneralName (RFC 5280 4.2.1.6). */
export const nameTags = {
  otherName: 0xa0,
  rfc822Name: 0x81,
  dnsName: 0x82,
  x400Address: 0xa3,
  directoryName: 0xa4,
  ediPartyName: 0xa5,
  uri: 0x86,
  ipAddress: 0x87,
  registeredId: 0x88,
} as const;

const known: ReadonlySet<number> = new Set(Object.values(nameTags));

/** Members of a constructed element that must all be GeneralNames; `undefined` when one is not. */
export function generalNames(der: Der, list: DerNode): DerNode[] | undefined {
  const names = der.children(list);
  for (const name of names) {
    if (!known.has(name.tag)) return undefined;
  }
  return names;
}

/** What is wrong with a DNS name, as bits, since each is a rule of its own. */
export const dnsFaults = {
  /** Not letters, digits and hyphens in labels of 1 to 63, 253 in all (RFC 1034 3.5, RFC 1123 2.1). */
  syntax: 1,
  underscore: 2,
  /** An asterisk that is not the whole leftmost label, or has fewer than two labels after it. */
  wildcard: 4,
  /** "--" in the third place without being an A-label (RFC 5890 2.3.1). */
  aLabel: 8,
  /** The last label is a number, so that the name reads as an address (RFC 1123 2.1). */
  topLevel: 16,
} as const;

const [dot, hyphen, asterisk, lowLine] = [0x2e, 0x2d, 0x2a, 0x5f];

/** Bits of `dnsFaults`; 0 for a name that is right. */
export function dnsNameFaults(bytes: Uint8Array, start: number, end: number): number {
  let faults = end - start > 253 || end === start ? dnsFaults.syntax : 0;
  let labels = 0;
  let numeric = false;
  for (let at = start; at <= end; ) {
    let next = at;
    while (next < end && bytes[next] !== dot) next += 1;
    const length = next - at;
    labels += 1;
    numeric = false;
    if (length === 1 && bytes[at] === asterisk && at === start) {
      // Counted below.
    } else if (length < 1 || length > 63 || bytes[at] === hyphen || bytes[next - 1] === hyphen) {
      faults |= dnsFaults.syntax;
    } else {
      let digits = 0;
      for (let index = at; index < next; index += 1) {
        const octet = bytes[index] ?? 0;
        if (octet >= 0x30 && octet <= 0x39) digits += 1;
        else if (octet === lowLine) faults |= dnsFaults.underscore;
        else if (octet === asterisk) faults |= dnsFaults.wildcard;
        else if (octet !== hyphen && !isLetter(octet)) faults |= dnsFaults.syntax;
      }
      numeric = digits === length;
      if (bytes[at + 2] === hyphen && bytes[at + 3] === hyphen && length > 3 && !isALabel(bytes, at, next)) {
        faults |= dnsFaults.aLabel;
      }
    }
    at = next + 1;
  }
  if (bytes[start] === asterisk && bytes[start + 1] === dot && labels < 3) faults |= dnsFaults.wildcard;
  if (end - start === 1 && bytes[start] === asterisk) faults |= dnsFaults.wildcard;
  if (numeric) faults |= dnsFaults.topLevel;
  return faults;
}

function isLetter(octet: number): boolean {
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isALabel(bytes: Uint8Array, start: number, end: number): boolean {
  const label = asciiText(bytes, start, end).toLowerCase();
  if (!label.startsWith('xn--')) return false;
  const unicode = domainToUnicode(label);
  return unicode !== '' && unicode !== label;
}

/** Is it a Mailbox of RFC 5321 4.1.2 in ASCII: a dot-string or quoted string, and a domain? */
export function isMailbox(bytes: Uint8Array, start: number, end: number): boolean {
  let at = end - 1;
  while (at > start && bytes[at] !== 0x40) at -= 1;
  const local = at - start;
  if (local < 1 || local > 64 || end - start > 254) return false;
  if (!(bytes[start] === 0x22 ? isQuoted(bytes, start, at) : isDotString(bytes, start, at))) return false;
  return dnsNameFaults(bytes, at + 1, end) === 0 && bytes[at + 1] !== asterisk;
}

const atomMarks = new Set(Buffer.from("!#$%&'*+-/=?^_`{|}~"));

function isDotString(bytes: Uint8Array, start: number, end: number): boolean {
  let afterDot = true;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at] ?? 0;
    if (octet === dot) {
      if (afterDot) return false;
      afterDot = true;
    } else {
      if (!isLetter(octet) && !(octet >= 0x30 && octet <= 0x39) && !atomMarks.has(octet)) return false;
      afterDot = false;
    }
  }
  return !afterDot;
}

function isQuoted(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 3 || bytes[end - 1] !== 0x22) return false;
  for (let at = start + 1; at < end - 1; at += 1) {
    const octet = bytes[at] ?? 0;
    if (octet === 0x5c) at += 1;
    else if (octet < 0x20 || octet > 0x7e || octet === 0x22) return false;
    if (at >= end - 1) return false;
  }
  return true;
}

/** Parts of an absolute URI that rules ask for; `undefined` when it is not one (RFC 5280 4.2.1.6, RFC 3986). */
export interface UriView {
  readonly scheme: string;
  /** `undefined` without authority ("urn:…"). */
  readonly host: string | undefined;
}

const uriMarks = new Set(Buffer.from("-._~:/?#[]@!$&'()*+,;=%"));

/** Reads an absolute URI in ASCII: a scheme, something after it, and a host that is a name or an address if any. */
export function readUri(bytes: Uint8Array, start: number, end: number): UriView | undefined {
  let colon = start;
  while (colon < end && bytes[colon] !== 0x3a) colon += 1;
  if (colon === start || colon + 1 >= end || !isLetter(bytes[start] ?? 0)) return undefined;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at] ?? 0;
    if (isLetter(octet) || (octet >= 0x30 && octet <= 0x39)) continue;
    if (at < colon ? octet !== 0x2b && octet !== hyphen && octet !== dot : !uriMarks.has(octet)) return undefined;
    if (octet === 0x25 && !(at + 2 < end && isHex(bytes[at + 1] ?? 0) && isHex(bytes[at + 2] ?? 0))) return undefined;
  }
  const scheme = asciiText(bytes, start, colon).toLowerCase();
  if (bytes[colon + 1] !== 0x2f || bytes[colon + 2] !== 0x2f) return { scheme, host: undefined };
  const host = readHost(bytes, colon + 3, end);
  return host === undefined ? undefined : { scheme, host };
}

function isHex(octet: number): boolean {
  const lower = octet | 0x20;
  return (octet >= 0x30 && octet <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

/** Host of the authority that begins at `start`; `undefined` when it is empty, or neither name nor address. */
function readHost(bytes: Uint8Array, start: number, end: number): string | undefined {
  let limit = start;
  let from = start;
  for (; limit < end; limit += 1) {
    const octet = bytes[limit] ?? 0;
    if (octet === 0x2f || octet === 0x3f || octet === 0x23) break;
    if (octet === 0x40) from = limit + 1;
  }
  let port = limit;
  while (port > from && (bytes[port - 1] ?? 0) >= 0x30 && (bytes[port - 1] ?? 0) <= 0x39) port -= 1;
  const hostEnd = port > from && bytes[port - 1] === 0x3a ? port - 1 : limit;
  if (hostEnd === from) return undefined;
  const text = asciiText(bytes, from, hostEnd);
  if (bytes[from] === 0x5b) return isIpv6Literal(text) ? text : undefined;
  const faults = dnsNameFaults(bytes, from, hostEnd);
  if (faults === 0 && bytes[from] !== asterisk) return text;
  return isIpv4(text) ? text : undefined;
}

function isIpv6Literal(text: string): boolean {
  return text.endsWith(']') && URL.canParse(`http://${text}/`);
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => part !== '' && part.length < 4 && Number(part) <= 255);
}

/** OtherName: an OBJECT IDENTIFIER and one value under [0]. */
export function isOtherName(der: Der, name: DerNode): boolean {
  const [type, value, more] = der.children(name);
  return type?.tag === derTags.oid && value?.tag === 0xa0 && more === undefined && der.children(value).length === 1;
}
