import { Der, type DerFault, type DerNode, derTags } from './der.js';
import { type NameView, readName } from './name-view.js';
import { dottedOid, type ExtensionName, extensionNameOf } from './object-identifiers.js';
import { readSpki, type SpkiView } from './spki-view.js';
import { readTimeMs } from './times.js';

export interface ExtensionView {
  /** `undefined` for one that no rule here knows. */
  readonly name: ExtensionName | undefined;
  /** The whole Extension. */
  readonly entry: DerNode;
  readonly oid: DerNode;
  readonly critical: boolean;
  /** The element in the OCTET STRING; `undefined` when what stands there is not one whole element of DER. */
  readonly value: DerNode | undefined;
}

/** The outer parts of a signed certificate. */
export interface SignatureView {
  readonly algorithm: DerNode;
  readonly value: DerNode;
}

/** The members of a TBSCertificate, where they lie. */
export interface TbsMembers {
  readonly tbs: DerNode;
  readonly version: DerNode | undefined;
  readonly serial: DerNode;
  readonly signature: DerNode;
  readonly issuer: DerNode;
  readonly notBefore: DerNode;
  readonly notAfter: DerNode;
  readonly subject: DerNode;
  readonly spki: DerNode;
  readonly uniqueIds: readonly DerNode[];
  readonly extensionList: DerNode | undefined;
}

/** A certificate to read: members by offset, names and key taken apart when a rule first asks for them. */
export class CertificateView {
  readonly der: Der;
  readonly members: TbsMembers;
  readonly extensions: readonly ExtensionView[];
  /** Absent while a TBSCertificate alone is looked at. */
  readonly signed: SignatureView | undefined;
  /** Milliseconds since 1970; NaN when the time is not one. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  #issuer: NameView | null | undefined;
  #subject: NameView | null | undefined;
  #spki: SpkiView | null | undefined;

  constructor(der: Der, members: TbsMembers, extensions: readonly ExtensionView[], signed: SignatureView | undefined) {
    this.der = der;
    this.members = members;
    this.extensions = extensions;
    this.signed = signed;
    this.notBeforeMs = timeMs(der, members.notBefore);
    this.notAfterMs = timeMs(der, members.notAfter);
  }

  extension(name: ExtensionName): ExtensionView | undefined {
    for (const extension of this.extensions) {
      if (extension.name === name) return extension;
    }
    return undefined;
  }

  /** What a known extension holds; `undefined` when it is absent or not DER. */
  valueOf(name: ExtensionName): DerNode | undefined {
    return this.extension(name)?.value;
  }

  /** `null` when it is not a Name. */
  get issuer(): NameView | null {
    if (this.#issuer === undefined) this.#issuer = readName(this.der, this.members.issuer);
    return this.#issuer;
  }

  get subject(): NameView | null {
    if (this.#subject === undefined) this.#subject = readName(this.der, this.members.subject);
    return this.#subject;
  }

  /** `null` when it is not a SubjectPublicKeyInfo. */
  get spki(): SpkiView | null {
    if (this.#spki === undefined) this.#spki = readSpki(this.der, this.members.spki);
    return this.#spki;
  }

  /** Path of the member in which an offset lies. */
  pointerAt(offset: number): string {
    const { members } = this;
    if (offset < members.tbs.start || offset >= members.tbs.end) return 'certificate';
    for (const extension of this.extensions) {
      if (offset >= extension.entry.start && offset < extension.entry.end)
        return `extensions.${this.nameOf(extension)}`;
    }
    if (members.extensionList !== undefined && offset >= members.extensionList.start) return 'extensions';
    const places: [DerNode, string][] = [
      [members.spki, 'subjectPublicKeyInfo'],
      [members.subject, 'subject'],
      [members.notAfter, 'validity.notAfter'],
      [members.notBefore, 'validity.notBefore'],
      [members.issuer, 'issuer'],
      [members.signature, 'signature'],
      [members.serial, 'serialNumber'],
    ];
    return places.find(([node]) => offset >= node.start && offset < node.end)?.[1] ?? 'tbsCertificate';
  }

  nameOf(extension: ExtensionView): string {
    return extension.name ?? dottedOid(this.der.bytes, extension.oid.content, extension.oid.end);
  }
}

function timeMs(der: Der, node: DerNode): number {
  return readTimeMs(der.bytes, node.content, node.end, node.tag === derTags.utcTime ? 2 : 4);
}

/** A view, or what keeps one from being made. Breaches of DER that leave it readable stand in `faults` either way. */
export interface Opened {
  readonly view: CertificateView | undefined;
  readonly faults: readonly DerFault[];
}

/** Reads the DER of a TBSCertificate, as it will be signed. Never throws. */
export function openTbs(bytes: Uint8Array): Opened {
  const der = new Der(bytes);
  if (!der.check(0, bytes.length)) return { view: undefined, faults: der.faults };
  return { view: viewOf(der, der.node(0, bytes.length), undefined), faults: der.faults };
}

/** Reads the DER of a Certificate, signature included. Never throws. */
export function openCertificate(bytes: Uint8Array): Opened {
  const der = new Der(bytes);
  if (!der.check(0, bytes.length)) return { view: undefined, faults: der.faults };
  const parts = der.sequence(der.node(0, bytes.length));
  const [tbs, algorithm, value, more] = parts ?? [];
  if (algorithm?.tag !== derTags.sequence || value?.tag !== derTags.bitString || more !== undefined) {
    der.fault('certificate-structure', 0, 'is not the SEQUENCE of three that a Certificate is');
    return { view: undefined, faults: der.faults };
  }
  return { view: viewOf(der, tbs, { algorithm, value }), faults: der.faults };
}

function viewOf(der: Der, tbs: DerNode | undefined, signed: SignatureView | undefined): CertificateView | undefined {
  const members = tbs && readMembers(der, tbs);
  if (members === undefined) {
    der.fault('tbs-structure', tbs?.start ?? 0, 'does not have the members of a TBSCertificate in their order');
    return undefined;
  }
  const extensions = readExtensions(der, members.extensionList);
  return extensions && new CertificateView(der, members, extensions, signed);
}

function readMembers(der: Der, tbs: DerNode): TbsMembers | undefined {
  const parts = der.sequence(tbs);
  if (parts === undefined) return undefined;
  const first = parts[0]?.tag === 0xa0 ? 1 : 0;
  const [serial, signature, issuer, validity, subject, spki] = parts.slice(first, first + 6);
  if (serial?.tag !== derTags.integer || signature?.tag !== derTags.sequence || issuer === undefined) return undefined;
  if (subject === undefined || spki === undefined) return undefined;
  const [notBefore, notAfter, third] = der.sequence(validity) ?? [];
  if (!isTime(notBefore) || !isTime(notAfter) || third !== undefined) return undefined;
  let previous = 0;
  const uniqueIds: DerNode[] = [];
  let extensionList: DerNode | undefined;
  for (const part of parts.slice(first + 6)) {
    const number = part.tag & 0x1f;
    if (part.tag < 0x80 || part.tag > 0xbf || number <= previous || number > 3) return undefined;
    previous = number;
    if (part.tag === 0xa3) extensionList = part;
    else if (number < 3) uniqueIds.push(part);
    else return undefined;
  }
  const version = first === 1 ? parts[0] : undefined;
  return {
    tbs,
    version,
    serial,
    signature,
    issuer,
    notBefore,
    notAfter,
    subject,
    spki,
    uniqueIds,
    extensionList,
  };
}

function isTime(node: DerNode | undefined): node is DerNode {
  return node?.tag === derTags.utcTime || node?.tag === derTags.generalizedTime;
}

function readExtensions(der: Der, wrapper: DerNode | undefined): ExtensionView[] | undefined {
  if (wrapper === undefined) return [];
  const [list, more] = der.children(wrapper);
  const entries = more === undefined ? der.sequence(list) : undefined;
  if (entries === undefined) {
    der.fault('extension-structure', wrapper.start, 'is not one SEQUENCE of extensions');
    return undefined;
  }
  const extensions: ExtensionView[] = [];
  for (const entry of entries) {
    const extension = readExtension(der, entry);
    if (extension === undefined) {
      der.fault('extension-structure', entry.start, 'is not an Extension of identifier, critical and value');
      return undefined;
    }
    extensions.push(extension);
  }
  return extensions;
}

function readExtension(der: Der, entry: DerNode): ExtensionView | undefined {
  if (entry.tag !== derTags.sequence) return undefined;
  const id = der.node(entry.content, entry.end);
  if (id?.tag !== derTags.oid) return undefined;
  let octets = der.node(id.end, entry.end);
  let critical = false;
  if (octets?.tag === derTags.boolean) {
    critical = der.bytes[octets.content] !== 0;
    if (!critical) der.fault('der-default', octets.start, 'writes out critical FALSE, which is the DEFAULT');
    octets = der.node(octets.end, entry.end);
  }
  if (octets?.tag !== derTags.octetString || octets.end !== entry.end) return undefined;
  const value = der.check(octets.content, octets.end) ? der.node(octets.content, octets.end) : undefined;
  return { name: extensionNameOf(der.bytes, id.content, id.end), entry, oid: id, critical, value };
}
