import type { CertificateView } from '../certificate-view.js';
import type { Der, DerNode } from '../der.js';
import { dnsNameFaults, nameTags } from '../general-names.js';
import { readName } from '../name-view.js';
import { fixedRule } from '../rule.js';
import type { LintRule } from '../types.js';

const pointer = 'extensions.nameConstraints';
const source = 'RFC 5280 4.2.1.10';

interface Subtree {
  readonly base: DerNode;
  /** Does minimum or maximum stand there? */
  readonly bounded: boolean;
}

/** [0] permittedSubtrees, [1] excludedSubtrees; `undefined` when the extension is absent or holds something else. */
function subtreesOf(certificate: CertificateView): readonly (readonly Subtree[])[] | undefined {
  const { der } = certificate;
  const lists = der.sequence(certificate.valueOf('nameConstraints'));
  const all: Subtree[][] = [];
  let previous = 0x9f;
  for (const list of lists ?? []) {
    if (list.tag <= previous || list.tag > 0xa1) return undefined;
    previous = list.tag;
    const subtrees: Subtree[] = [];
    for (const node of der.children(list)) {
      const [base, ...bounds] = der.sequence(node) ?? [];
      if (base === undefined || base.tag < 0x80 || bounds.some(({ tag }) => tag !== 0x80 && tag !== 0x81))
        return undefined;
      subtrees.push({ base, bounded: bounds.length > 0 });
    }
    all.push(subtrees);
  }
  return lists && all;
}

/** Ones, then zeros (RFC 4632 3.1). */
function isMask(bytes: Uint8Array, start: number, end: number): boolean {
  let ended = false;
  for (let at = start; at < end; at += 1) {
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      const isOne = ((bytes[at] ?? 0) & bit) !== 0;
      if (isOne && ended) return false;
      ended = !isOne;
    }
  }
  return true;
}

function isDnsConstraint(bytes: Uint8Array, start: number, end: number): boolean {
  return start === end || (dnsNameFaults(bytes, start, end) === 0 && bytes[start] !== 0x2a);
}

/** A host, a domain after a dot, or, for mail, one mailbox. */
function isHostConstraint(bytes: Uint8Array, start: number, end: number): boolean {
  let from = start;
  for (let at = start; at < end; at += 1) {
    if (bytes[at] === 0x40) from = at + 1;
  }
  if (from === start && bytes[start] === 0x2e) from = start + 1;
  return from < end && isDnsConstraint(bytes, from, end);
}

function baseFault(der: Der, base: DerNode): string | undefined {
  const { bytes } = der;
  const { tag, content, end } = base;
  switch (tag) {
    case nameTags.ipAddress: {
      const half = (end - content) / 2;
      const isRange = half === 4 || half === 16;
      return isRange && isMask(bytes, content + half, end) ? undefined : 'must be an address and a mask of its length';
    }
    case nameTags.dnsName:
      return isDnsConstraint(bytes, content, end) ? undefined : 'must be a DNS name';
    case nameTags.uri:
    case nameTags.rfc822Name:
      return isHostConstraint(bytes, content, end) ? undefined : 'must be a host or a domain';
    case nameTags.directoryName: {
      const [inner] = der.children(base);
      return inner !== undefined && readName(der, inner) !== null ? undefined : 'must be a Name';
    }
    default:
      return undefined;
  }
}

export const nameConstraintRules: readonly LintRule[] = [
  fixedRule('name-constraints-syntax', source, pointer, (certificate, _context, report) => {
    if (certificate.valueOf('nameConstraints') !== undefined && subtreesOf(certificate) === undefined) {
      report('is not a NameConstraints');
    }
  }),
  fixedRule('name-constraints-not-empty', source, pointer, (certificate, _context, report) => {
    const lists = subtreesOf(certificate);
    if (lists?.length === 0) report('must permit or exclude something');
    else if (lists?.some(({ length }) => length === 0)) report('must not hold an empty list of subtrees');
  }),
  fixedRule('name-constraints-no-bounds', source, pointer, (certificate, _context, report) => {
    if (subtreesOf(certificate)?.some((list) => list.some(({ bounded }) => bounded))) {
      report('must leave out minimum, which is 0 by DEFAULT, and maximum');
    }
  }),
  fixedRule('name-constraints-base', source, pointer, (certificate, _context, report) => {
    for (const list of subtreesOf(certificate) ?? []) {
      for (const { base } of list) {
        const detail = baseFault(certificate.der, base);
        if (detail !== undefined) report(detail);
      }
    }
  }),
];
