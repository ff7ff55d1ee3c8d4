import { type Code, SluiceError } from '@sluice/errors';
import { tags } from './der-writer.js';

/** Where an element lies in the bytes it was read from. */
export interface DerElement {
  readonly tag: number;
  /** Offset of the tag. */
  readonly start: number;
  /** Offset of the first content octet. */
  readonly content: number;
  /** Offset after the last content octet. */
  readonly end: number;
}

const depthMax = 24;

/**
 * Reads DER, and nothing else: indefinite and padded lengths, long tags and trailing bytes are refused, each with a
 * SluiceError of the code given. PKI.js accepts BER and takes 200 µs for a CSR where this takes a few; it reads what
 * every request pays for, PKI.js the rest.
 */
export class DerReader {
  readonly #der: Uint8Array;
  readonly #code: Code;

  constructor(der: Uint8Array, code: Code) {
    this.#der = der;
    this.#code = code;
  }

  /** The element that all bytes make up. Its inner structure is checked to the last octet. */
  whole(tag: number, what: string): DerElement {
    const element = this.element(0, this.#der.length, what);
    if (element.end !== this.#der.length) throw this.fault(what, 'has bytes after its end');
    this.#checkNested(element, what, 0);
    return this.expect(element, tag, what);
  }

  /** The element at `at`, which must end at `limit` or before. */
  element(at: number, limit: number, what: string): DerElement {
    const der = this.#der;
    const tag = der[at];
    let length = der[at + 1];
    if (at + 2 > limit || tag === undefined || length === undefined) throw this.fault(what, 'is cut off');
    if ((tag & 0x1f) === 0x1f) throw this.fault(what, 'has a tag of several octets');
    let content = at + 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0) throw this.fault(what, 'has an indefinite length: BER, not DER');
      if (octets > 3) throw this.fault(what, 'has a length beyond any limit here');
      if (content + octets > limit) throw this.fault(what, 'is cut off');
      length = 0;
      for (let index = 0; index < octets; index += 1) length = (length << 8) | (der[content + index] ?? 0);
      if (length < 0x80 || length < 1 << (8 * (octets - 1))) {
        throw this.fault(what, 'has a length that is not minimal: BER, not DER');
      }
      content += octets;
    }
    if (content + length > limit) throw this.fault(what, 'is cut off');
    return { tag, start: at, content, end: content + length };
  }

  /** The elements inside a constructed one, in order. */
  children(parent: DerElement, what: string): DerElement[] {
    const found: DerElement[] = [];
    for (let at = parent.content; at < parent.end; ) {
      const child = this.element(at, parent.end, what);
      found.push(child);
      at = child.end;
    }
    return found;
  }

  expect(element: DerElement | undefined, tag: number, what: string): DerElement {
    if (element === undefined) throw this.fault(what, 'is missing');
    if (element.tag !== tag) throw this.fault(what, `has tag 0x${element.tag.toString(16)}`);
    return element;
  }

  /** All octets of an element, header included. A view, not a copy. */
  bytesOf(element: DerElement): Uint8Array {
    return this.#der.subarray(element.start, element.end);
  }

  contentOf(element: DerElement): Uint8Array {
    return this.#der.subarray(element.content, element.end);
  }

  /** Content of a BIT STRING that has no unused bits. */
  bitsOf(element: DerElement | undefined, what: string): Uint8Array {
    const bits = this.expect(element, tags.bitString, what);
    if (bits.end === bits.content || this.#der[bits.content] !== 0) throw this.fault(what, 'has unused bits');
    return this.#der.subarray(bits.content + 1, bits.end);
  }

  /** Magnitude octets of a positive, minimal INTEGER, without the leading zero octet. */
  positiveInteger(element: DerElement | undefined, what: string): Uint8Array {
    const integer = this.contentOf(this.expect(element, tags.integer, what));
    const first = integer[0];
    if (first === undefined || first >= 0x80) throw this.fault(what, 'is not a positive INTEGER');
    if (first !== 0) return integer;
    if ((integer[1] ?? 0) < 0x80) throw this.fault(what, 'is not a minimal INTEGER above zero');
    return integer.subarray(1);
  }

  fault(what: string, detail: string): SluiceError {
    return new SluiceError(this.#code, `${what} ${detail}`);
  }

  #checkNested(element: DerElement, what: string, depth: number): void {
    if ((element.tag & 0x20) === 0) return;
    if (depth > depthMax) throw this.fault(what, `nests deeper than ${depthMax}`);
    for (let at = element.content; at < element.end; ) {
      const child = this.element(at, element.end, what);
      this.#checkNested(child, what, depth + 1);
      at = child.end;
    }
  }
}

/** Are these the same octets? */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && startsWith(left, right);
}

/** Does `bytes` begin with `start`? For the few octets compared here a loop is faster than native code. */
export function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let index = 0; index < start.length; index += 1) if (bytes[index] !== start[index]) return false;
  return true;
}
