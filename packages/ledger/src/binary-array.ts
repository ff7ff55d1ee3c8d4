/**
 * Array parameters in PostgreSQL's binary form (what array_send writes). pg would write
 * them as text, a byte string as two hexadecimal digits an octet, and the server would parse it all again: an eighth of
 * what `complete` cost there, and as much here. pg sends a Buffer as a binary parameter; the statement's cast says of what type.
 */

/** Element types by their OID, with how many octets a value takes and how they are written at `at`. */
interface ElementType<T> {
  readonly oid: number;
  size(value: T): number;
  write(out: Buffer, at: number, value: T): void;
}

const headerOctets = 12;
const dimensionOctets = 8;
const lengthOctets = 4;
const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What is no UUID is sent too long, so that the server refuses it (22P03), and with it this row and no other. */
const refusedOctets = 17;
/** PostgreSQL counts microseconds from here. */
const epochMs = Date.UTC(2000, 0, 1);

function encode<T>(type: ElementType<T>, values: readonly (T | null)[]): Buffer {
  const sizes = values.map((value) => (value === null ? 0 : type.size(value)));
  const body = sizes.reduce((sum, size) => sum + lengthOctets + size, 0);
  const empty = values.length === 0;
  const out = Buffer.allocUnsafe(headerOctets + (empty ? 0 : dimensionOctets) + body);
  out.writeInt32BE(empty ? 0 : 1, 0);
  out.writeInt32BE(values.includes(null) ? 1 : 0, 4);
  out.writeInt32BE(type.oid, 8);
  if (empty) return out;
  out.writeInt32BE(values.length, headerOctets);
  out.writeInt32BE(1, headerOctets + 4); // subscripts begin with 1
  let at = headerOctets + dimensionOctets;
  values.forEach((value, index) => {
    const size = sizes[index] ?? 0;
    out.writeInt32BE(value === null ? -1 : size, at);
    at += lengthOctets;
    if (value !== null) type.write(out, at, value);
    at += size;
  });
  return out;
}

const text: ElementType<string> = {
  oid: 25,
  size: (value) => Buffer.byteLength(value),
  write: (out, at, value) => out.write(value, at),
};
const uuid: ElementType<string> = {
  oid: 2950,
  size: (value) => (uuidForm.test(value) ? 16 : refusedOctets),
  write: (out, at, value) => {
    if (uuidForm.test(value)) out.write(value.replaceAll('-', ''), at, 16, 'hex');
    else out.fill(0, at, at + refusedOctets);
  },
};
const bytea: ElementType<Uint8Array> = {
  oid: 17,
  size: (value) => value.byteLength,
  write: (out, at, value) => out.set(value, at),
};
const integer: ElementType<number> = {
  oid: 23,
  size: () => 4,
  write: (out, at, value) => out.writeInt32BE(value, at),
};
const bigint: ElementType<bigint> = {
  oid: 20,
  size: () => 8,
  write: (out, at, value) => out.writeBigInt64BE(value, at),
};
const timestamptz: ElementType<Date> = {
  oid: 1184,
  size: () => 8,
  write: (out, at, value) => out.writeBigInt64BE(BigInt(value.getTime() - epochMs) * 1000n, at),
};
/** One octet of version, then the JSON text. */
const jsonb: ElementType<string> = {
  oid: 3802,
  size: (value) => 1 + Buffer.byteLength(value),
  write(out, at, value) {
    out.writeUInt8(1, at);
    out.write(value, at + 1);
  },
};

export const texts = (values: readonly (string | null)[]): Buffer => encode(text, values);
export const uuids = (values: readonly (string | null)[]): Buffer => encode(uuid, values);
export const byteas = (values: readonly (Uint8Array | null)[]): Buffer => encode(bytea, values);
export const integers = (values: readonly (number | null)[]): Buffer => encode(integer, values);
export const bigints = (values: readonly (bigint | null)[]): Buffer => encode(bigint, values);
export const timestamps = (values: readonly (Date | null)[]): Buffer => encode(timestamptz, values);
/** Each value is JSON text. */
export const jsons = (values: readonly (string | null)[]): Buffer => encode(jsonb, values);
