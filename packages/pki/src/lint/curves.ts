/** A curve y² = x³ − 3x + b over a prime field (SEC 2; FIPS 186-5 names all three so). */
export interface Curve {
  readonly name: string;
  /** Octets of a coordinate. */
  readonly octets: number;
  readonly prime: bigint;
  readonly b: bigint;
}

const hex = (text: string) => BigInt(`0x${text.replaceAll(' ', '')}`);

export const curveP256: Curve = {
  name: 'P-256',
  octets: 32,
  prime: hex('ffffffff 00000001 00000000 00000000 00000000 ffffffff ffffffff ffffffff'),
  b: hex('5ac635d8 aa3a93e7 b3ebbd55 769886bc 651d06b0 cc53b0f6 3bce3c3e 27d2604b'),
};
export const curveP384: Curve = {
  name: 'P-384',
  octets: 48,
  prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
  b: hex('b3312fa7 e23ee7e4 988e056b e3f82d19 181d9c6e fe814112 0314088f 5013875a c656398d 8a2ed19d 2a85c8ed d3ec2aef'),
};
export const curveP521: Curve = {
  name: 'P-521',
  octets: 66,
  prime: 2n ** 521n - 1n,
  b: hex(
    '0051 953eb961 8e1c9a1f 929a21a0 b68540ee a2da725b 99b315f3 b8b48991 8ef109e1 ' +
      '56193951 ec7e937b 1652c0bd 3bb1bf07 3573df88 3d2c34f1 ef451fd4 6b503f00',
  ),
};

/** Does the point, x and y of `curve.octets` each from `start`, lie on the curve (SEC 1 3.2.2.1)? */
export function isOnCurve(curve: Curve, bytes: Uint8Array, start: number): boolean {
  const { prime, octets } = curve;
  const x = readNumber(bytes, start, octets);
  const y = readNumber(bytes, start + octets, octets);
  if (x >= prime || y >= prime) return false;
  return (y * y - (x * x - 3n) * x - curve.b) % prime === 0n;
}

/** Eight octets at a time: a third of what hexadecimal costs. */
function readNumber(bytes: Uint8Array, start: number, octets: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, octets);
  let value = 0n;
  let at = 0;
  for (; at + 8 <= octets; at += 8) value = (value << 64n) | view.getBigUint64(at);
  for (; at < octets; at += 1) value = (value << 8n) | BigInt(view.getUint8(at));
  return value;
}
