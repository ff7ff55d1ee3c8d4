import { isIa5String, isNumericString, isPrintableString, isVisibleString, utf8Characters } from './strings.js';
import { readTimeMs } from './times.js';

/** Universal tags as they stand in front of elements. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Where one element lies, as offsets into the bytes that are read. */
export interface DerNode {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** A breach of DER. `rule` names the rule of the table; `at` is the offset of the element. */
export interface DerFault {
  readonly rule: string;
  readonly at: number;
  readonly detail: string;
}

const depthMax = 24;
const octetsMax = 65_536;
const faultsMax = 20;

/**
 * Reads DER in place: offsets only, nothing copied. `check` walks a whole structure and notes each breach; what it has
 * found whole can then be read by `node` and `children`. Shares nothing with what builds and parses elsewhere, so that a
 * fault there is not repeated here.
 */
export class Der {
  readonly bytes: Uint8Array;
  readonly faults: DerFault[] = [];
  // The header read last. Fields, so that a walk over a hundred elements allocates nothing.
  #tag = 0;
  #content = 0;
  #end = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Checks the one element that fills start to end. False: lengths and nesting do not hold, and nothing in it is read. */
  check(start: number, end: number): boolean {
    if (end - start > octetsMax) return this.#broken(start, `is longer than ${octetsMax} octets`);
    if (!this.#header(start, end)) return false;
    if (this.#end !== end) return this.#broken(start, 'has octets after its end');
    return this.#walk(start, end, 0);
  }

  /** The element at `at`, within what `check` found whole; `undefined` at the end of it. */
  node(at: number, limit: number): DerNode | undefined {
    if (at >= limit || !this.#header(at, limit)) return undefined;
    return { tag: this.#tag, start: at, content: this.#content, end: this.#end };
  }

  /** The elements in a constructed one. */
  children(parent: DerNode): DerNode[] {
    const found: DerNode[] = [];
    for (let at = parent.content; at < parent.end; ) {
      const child = this.node(at, parent.end);
      if (child === undefined) break;
      found.push(child);
      at = child.end;
    }
    return found;
  }

  /** The elements in a SEQUENCE; `undefined` when the node is none. */
  sequence(parent: DerNode | undefined): DerNode[] | undefined {
    return parent?.tag === derTags.sequence ? this.children(parent) : undefined;
  }

  /** Is the content, without header, these octets? */
  contentIs(node: DerNode, octets: Uint8Array): boolean {
    return this.#same(node.content, node.end, octets);
  }

  /** Is the whole element, header included, these octets? */
  nodeIs(node: DerNode, octets: Uint8Array): boolean {
    return this.#same(node.start, node.end, octets);
  }

  /** Value of a small, non-negative INTEGER content; -1 when it is negative, empty or above 2^31. */
  smallInteger(node: DerNode): number {
    const length = node.end - node.content;
    if (length < 1 || length > 4 || (this.bytes[node.content] ?? 0) > 0x7f) return -1;
    let value = 0;
    for (let at = node.content; at < node.end; at += 1) value = 256 * value + (this.bytes[at] ?? 0);
    return value;
  }

  fault(rule: string, at: number, detail: string): void {
    if (this.faults.length < faultsMax) this.faults.push({ rule, at, detail });
  }

  #same(start: number, end: number, octets: Uint8Array): boolean {
    if (end - start !== octets.length) return false;
    for (let index = 0; index < octets.length; index += 1) {
      if (this.bytes[start + index] !== octets[index]) return false;
    }
    return true;
  }

  #broken(at: number, detail: string): false {
    this.fault('der-structure', at, detail);
    return false;
  }

  #header(at: number, limit: number): boolean {
    const { bytes } = this;
    if (at + 2 > limit) return this.#broken(at, 'is cut off');
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? 0;
    let content = at + 2;
    if ((tag & 0x1f) === 0x1f) return this.#broken(at, 'has a tag of several octets');
    if (tag === 0) return this.#broken(at, 'is an end-of-contents mark');
    if (length > 0x7f) {
      const octets = length & 0x7f;
      if (octets === 0) return this.#badLength(at, 'is indefinite');
      if (octets > 3) return this.#badLength(at, 'takes more than three octets');
      if (content + octets > limit) return this.#broken(at, 'is cut off');
      length = 0;
      for (let index = 0; index < octets; index += 1) length = 256 * length + (bytes[content + index] ?? 0);
      if (length < 0x80 || length < 2 ** (8 * (octets - 1))) return this.#badLength(at, 'is not minimal');
      content += octets;
    }
    if (content + length > limit) return this.#broken(at, 'is cut off');
    this.#tag = tag;
    this.#content = content;
    this.#end = content + length;
    return true;
  }

  #badLength(at: number, detail: string): false {
    this.fault('der-length', at, `its length ${detail}`);
    return false;
  }

  #walk(start: number, limit: number, depth: number): boolean {
    for (let at = start; at < limit; ) {
      if (!this.#header(at, limit)) return false;
      const tag = this.#tag;
      const content = this.#content;
      const end = this.#end;
      if ((tag & 0x20) === 0) {
        if (tag < 0x40) this.#checkPrimitive(tag, at, content, end);
      } else {
        if (depth >= depthMax) return this.#broken(at, `lies deeper than ${depthMax} levels`);
        if (tag < 0x40 && tag !== derTags.sequence && tag !== derTags.set) {
          this.fault('der-form', at, 'is constructed where DER has it primitive');
        }
        if (!this.#walk(content, end, depth + 1)) return false;
        if (tag === derTags.set) this.#checkSet(content, end);
      }
      at = end;
    }
    return true;
  }

  /** Elements of a SET OF ascend, compared as octet strings (X.690 11.6). */
  #checkSet(content: number, end: number): void {
    let previous = -1;
    for (let at = content; at < end; ) {
      if (!this.#header(at, end)) return;
      const next = this.#end;
      if (previous >= 0 && this.#compare(previous, at, at, next) > 0) {
        this.fault('der-set-order', at, 'stands after a greater one');
      }
      previous = at;
      at = next;
    }
  }

  #compare(a: number, aEnd: number, b: number, bEnd: number): number {
    const length = Math.max(aEnd - a, bEnd - b);
    for (let index = 0; index < length; index += 1) {
      const left = a + index < aEnd ? (this.bytes[a + index] ?? 0) : 0;
      const right = b + index < bEnd ? (this.bytes[b + index] ?? 0) : 0;
      if (left !== right) return left - right;
    }
    return 0;
  }

  #checkPrimitive(tag: number, at: number, content: number, end: number): void {
    const { bytes } = this;
    const length = end - content;
    switch (tag) {
      case derTags.oid:
        if (!isOid(bytes, content, end)) this.fault('der-oid', at, 'is not an OBJECT IDENTIFIER in its shortest form');
        break;
      case derTags.octetString:
      case derTags.teletexString:
        break;
      case derTags.integer:
      case 0x0a:
        if (length === 0 || (length > 1 && isPadded(bytes[content] ?? 0, bytes[content + 1] ?? 0))) {
          this.fault('der-integer', at, 'is not an INTEGER in its shortest form');
        }
        break;
      case derTags.boolean:
        if (length !== 1 || (bytes[content] !== 0xff && bytes[content] !== 0)) {
          this.fault('der-boolean', at, 'is a BOOLEAN that is neither 00 nor FF');
        }
        break;
      case derTags.bitString:
        this.#checkBitString(at, content, end);
        break;
      case derTags.null:
        if (length !== 0) this.fault('der-null', at, 'is a NULL with content');
        break;
      case 0x10:
      case 0x11:
        this.fault('der-form', at, 'is a SEQUENCE or SET that is not constructed');
        break;
      default:
        this.#checkText(tag, at, content, end);
    }
  }

  #checkBitString(at: number, content: number, end: number): void {
    const unused = this.bytes[content] ?? 8;
    const last = this.bytes[end - 1] ?? 0;
    const sound = end > content && unused <= 7 && (end - content > 1 || unused === 0);
    if (!sound || (unused > 0 && (last & ((1 << unused) - 1)) !== 0)) {
      this.fault('der-bit-string', at, 'is a BIT STRING whose unused bits are not zero, or too many');
    }
  }

  #checkText(tag: number, at: number, content: number, end: number): void {
    const { bytes } = this;
    if (tag === derTags.utf8String) {
      if (utf8Characters(bytes, content, end) < 0) this.fault('der-utf8-string', at, 'is not UTF-8');
    } else if (tag === derTags.printableString) {
      if (!isPrintableString(bytes, content, end)) {
        this.fault('der-printable-string', at, 'holds a character that no PrintableString may');
      }
    } else if (tag === derTags.ia5String) {
      if (!isIa5String(bytes, content, end)) this.fault('der-ia5-string', at, 'holds a character outside ASCII');
    } else if (tag === derTags.utcTime) {
      if (Number.isNaN(readTimeMs(bytes, content, end, 2))) {
        this.fault('der-utc-time', at, 'is not a UTCTime of the form YYMMDDHHMMSSZ');
      }
    } else if (tag === derTags.generalizedTime) {
      if (Number.isNaN(readTimeMs(bytes, content, end, 4))) {
        this.fault('der-generalized-time', at, 'is not a GeneralizedTime of the form YYYYMMDDHHMMSSZ');
      }
    } else if (!isOtherText(tag, bytes, content, end)) {
      this.fault('der-other-string', at, 'holds what its string type cannot');
    }
  }
}

function isOtherText(tag: number, bytes: Uint8Array, content: number, end: number): boolean {
  if (tag === derTags.numericString) return isNumericString(bytes, content, end);
  if (tag === derTags.visibleString) return isVisibleString(bytes, content, end);
  if (tag === derTags.bmpString) return (end - content) % 2 === 0;
  if (tag === derTags.universalString) return (end - content) % 4 === 0;
  return true;
}

/** A first octet that only repeats the sign of the second. */
function isPadded(first: number, second: number): boolean {
  return (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
}

/** Sub-identifiers that are complete and do not begin with 0x80 (X.690 8.19.2). */
export function isOid(bytes: Uint8Array, content: number, end: number): boolean {
  if (end === content || (bytes[end - 1] ?? 0) > 0x7f) return false;
  for (let at = content; at < end; at += 1) {
    if (bytes[at] === 0x80 && (at === content || (bytes[at - 1] ?? 0) < 0x80)) return false;
  }
  return true;
}
