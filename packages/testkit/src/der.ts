/** The few DER pieces the testkit needs, written apart from packages/pki so that one fault cannot hide in both. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  if (size > 0xffff) throw new RangeError(`${size} octets are more than this writer takes`);
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next element begins. */
  readonly end: number;
}

/** The element at `offset`. Throws RangeError on what is not DER. */
export function readElement(bytes: Uint8Array, offset = 0): Element {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw new RangeError('no DER element here');
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    length = 0;
    for (let octets = first & 0x7f; octets > 0; octets -= 1) length = length * 256 + (bytes[start++] ?? 0);
  }
  if (start + length > bytes.length) throw new RangeError('the DER element is cut short');
  return { tag, content: bytes.subarray(start, start + length), end: start + length };
}

/** Serial number of a TBSCertificate as lower-case hex of its content octets; undefined for anything else (a CRL). */
export function serialOfTbs(tbs: Uint8Array): string | undefined {
  const { tag, content } = readElement(tbs);
  if (tag !== 0x30) return undefined;
  const version = readElement(content);
  if (version.tag !== 0xa0) return undefined;
  const serial = readElement(content, version.end);
  return serial.tag === 0x02 ? Buffer.from(serial.content).toString('hex') : undefined;
}

/** The TBSCertificate octets of a certificate. */
export function tbsOfCertificate(certificate: Uint8Array): Uint8Array {
  const { content } = readElement(certificate);
  return content.subarray(0, readElement(content).end);
}
