/** DER tags used here (X.690). */
export const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/**
 * Writes DER from its end to its beginning, so that a length is known when its header is written and nothing is
 * encoded twice. Reused between calls by `take`, which copies what was written and empties the writer.
 */
export class DerWriter {
  #bytes = Buffer.allocUnsafeSlow(4096);
  #at = 4096;

  /** How many bytes are written: remember it, write the content, then `wrap`. */
  get mark(): number {
    return this.#bytes.length - this.#at;
  }

  /** Puts `bytes` in front. */
  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#at -= bytes.length;
    this.#bytes.set(bytes, this.#at);
  }

  /** Puts one octet in front. */
  octet(value: number): void {
    this.#room(1);
    this.#at -= 1;
    this.#bytes[this.#at] = value;
  }

  /** Puts text in front: UTF-8, of which ASCII is a part. */
  text(text: string): void {
    // Short ASCII, which nearly every name is, is faster written here than by two calls into native code.
    this.#room(text.length);
    let at = this.#at;
    for (let index = text.length - 1; index >= 0; index -= 1) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) {
        this.#utf8(text);
        return;
      }
      at -= 1;
      this.#bytes[at] = unit;
    }
    this.#at = at;
  }

  #utf8(text: string): void {
    const length = Buffer.byteLength(text, 'utf8');
    this.#room(length);
    this.#at -= length;
    this.#bytes.write(text, this.#at, length, 'utf8');
  }

  /** Puts tag and length in front of everything written since `mark`. */
  wrap(tag: number, mark: number): void {
    const length = this.mark - mark;
    if (length < 0x80) {
      this.octet(length);
    } else {
      let rest = length;
      let octets = 0;
      while (rest > 0) {
        this.octet(rest & 0xff);
        rest >>>= 8;
        octets += 1;
      }
      this.octet(0x80 | octets);
    }
    this.octet(tag);
  }

  /** A copy of what was written; the writer is empty afterwards. */
  take(): Uint8Array {
    const written = new Uint8Array(this.#bytes.subarray(this.#at));
    this.clear();
    return written;
  }

  /** Forgets what was written, for instance by a call that threw half-way. */
  clear(): void {
    this.#at = this.#bytes.length;
  }

  #room(length: number): void {
    if (length <= this.#at) return;
    const written = this.#bytes.subarray(this.#at);
    const larger = Buffer.allocUnsafeSlow(2 * (written.length + length));
    larger.set(written, larger.length - written.length);
    this.#at = larger.length - written.length;
    this.#bytes = larger;
  }
}
