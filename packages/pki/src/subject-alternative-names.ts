import { isIPv4, isIPv6 } from 'node:net';
import { SluiceError } from '@sluice/errors';
import { type DerWriter, tags } from './der-writer.js';
import type { Form } from './form.js';
import { dnsNameFault, dnsNameForm, emailForm } from './name-faults.js';
import { isReservedAddress, isReservedDnsName } from './reserved-names.js';
import { arranged, type TypedWriter, writeOtherName } from './typed-values.js';
import type { San, SanField, SanRule } from './types.js';
import { uriForm, uriHost } from './uri-fault.js';

interface NameFacts {
  /** Context tag of the GeneralName (RFC 5280 4.2.1.6). */
  readonly tag: number;
  readonly form: Form;
  /** With `*.` in front, where a rule takes that. */
  readonly wildcardFault?: (value: string) => string | undefined;
  /** Of a name without fault: is it one that others may hold as well? */
  readonly isReserved: (value: string) => boolean;
}

const ipAddressForm: Form = {
  name: 'ip-address',
  text: 'must be an IPv4 or IPv6 address',
  // isIPv6 takes a zone ("%eth0"), which no certificate can hold.
  fault: (value) => (isIPv4(value) || (isIPv6(value) && !value.includes('%')) ? undefined : ipAddressForm.text),
};

/** Every kind of name, in the order in which they stand in the extension. */
const kinds: Readonly<Record<SanField, NameFacts>> = {
  dns_names: {
    tag: 0x82,
    form: dnsNameForm,
    wildcardFault: (value) => dnsNameFault(value, true),
    isReserved: isReservedDnsName,
  },
  emails: {
    tag: 0x81,
    form: emailForm,
    isReserved: (value) => isReservedDnsName(value.slice(value.lastIndexOf('@') + 1)),
  },
  ip_addresses: { tag: 0x87, form: ipAddressForm, isReserved: isReservedAddress },
  uris: { tag: 0x86, form: uriForm, isReserved: (value) => isReservedHost(uriHost(value)) },
};

export const sanFields = Object.keys(kinds) as readonly SanField[];
const backwards = [...sanFields].reverse();

/** Most names of one kind, whatever a profile says. */
export const sanNamesMax = 100;

/** What every name of that kind must look like; that of a wildcard, behind its `*.`. */
export function nameForm(field: SanField): Form {
  return kinds[field].form;
}

/** Why this value cannot be such a name, or not by this rule, or `undefined`. */
export function sanValueFault(
  field: SanField,
  value: string,
  { wildcards, reserved }: Pick<SanRule, 'wildcards' | 'reserved'>,
): string | undefined {
  const { form, wildcardFault = form.fault } = kinds[field];
  const fault = wildcards === true ? wildcardFault(value) : form.fault(value);
  if (fault !== undefined || reserved === 'allow' || !kinds[field].isReserved(value)) return fault;
  return 'is reserved (RFC 6761, RFC 6890), so that others may hold it too: use a public name, or a profile that allows it';
}

function isReservedHost(host: string): boolean {
  return isIPv4(host) || isIPv6(host) ? isReservedAddress(host) : isReservedDnsName(host);
}

/** 4 or 16 octets of an address that `sanValueFault` lets pass. */
export function ipAddressOctets(address: string): Uint8Array {
  if (!address.includes(':')) return Uint8Array.from(address.split('.'), Number);
  const lastColon = address.lastIndexOf(':');
  const tail = address.slice(lastColon + 1);
  let text = address;
  if (tail.includes('.')) {
    const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number);
    text = `${address.slice(0, lastColon + 1)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [left = '', right] = text.split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  const octets = new Uint8Array(16);
  const put = (group: string, index: number): void => {
    const value = Number.parseInt(group, 16);
    octets[2 * index] = value >> 8;
    octets[2 * index + 1] = value & 0xff;
  };
  before.forEach(put);
  after.forEach((group, index) => {
    put(group, 8 - after.length + index);
  });
  return octets;
}

/** Is there no name at all? */
export function isSanEmpty(san: San): boolean {
  return sanFields.every((field) => (san[field]?.length ?? 0) === 0) && !san.other_names?.length;
}

/**
 * Puts GeneralNames in front of what `writer` holds; `others` says how other names are written. The values must have
 * passed `sanValueFault`. Throws `subject-invalid`.
 */
export function writeSan(writer: DerWriter, san: San, others: readonly TypedWriter[]): void {
  const names = writer.mark;
  const { other_names: otherNames } = san;
  if (otherNames !== undefined) {
    const found = arranged(otherNames, others);
    if (found.length < otherNames.length) {
      const facts = { pointer: '/san/other_names' };
      throw new SluiceError('subject-invalid', 'other_names holds what the profile has no rule for', { facts });
    }
    for (const { writer: how, value } of found.reverse()) writeOtherName(writer, how, value);
  }
  for (const field of backwards) {
    const values = san[field] ?? [];
    for (let index = values.length - 1; index >= 0; index -= 1) {
      const value = values[index] ?? '';
      const name = writer.mark;
      if (field === 'ip_addresses') writer.bytes(ipAddressOctets(value));
      else writer.text(value);
      writer.wrap(kinds[field].tag, name);
    }
  }
  writer.wrap(tags.sequence, names);
}
