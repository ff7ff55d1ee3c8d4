// RFC 8032 5.1: the field of 2^255 − 19, and the curve −x² + y² = 1 + d·x²·y².
const field = (1n << 255n) - 19n;
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/**
 * Why these 32 octets are no sound Ed25519 key, or `undefined`. OpenSSL takes any 32 octets; so here: is it the only
 * encoding of a point on the curve, and not one of the eight points of small order, for which anybody can make
 * signatures. Takes about a hundred microseconds.
 */
export function ed25519PointFault(octets: Uint8Array): string | undefined {
  const encoded = BigInt(`0x${Buffer.from(octets).reverse().toString('hex')}`);
  const y = encoded & ((1n << 255n) - 1n);
  const isOdd = encoded >> 255n === 1n;
  if (y >= field) return 'is not in its only form';
  const ySquared = (y * y) % field;
  const numerator = (ySquared - 1n + field) % field;
  const denominator = (d * ySquared + 1n) % field;
  // x² = u/v has a root when u·v is a square (Euler): v is never zero on this curve.
  const product = (numerator * denominator) % field;
  if (product === 0n) return isOdd ? 'is not in its only form' : 'is of small order';
  if (power(product, (field - 1n) / 2n) !== 1n) return 'is not on its curve';
  return isOfSmallOrder(numerator, denominator, ySquared) ? 'is of small order' : undefined;
}

/**
 * Orders 1 and 2 have x = 0, seen before. Of order 4: y = 0. Of order 8: twice the point has y = 0, that is
 * y² + x² = 0 in the doubling formula, so u/v = −y².
 */
function isOfSmallOrder(numerator: bigint, denominator: bigint, ySquared: bigint): boolean {
  return ySquared === 0n || (numerator + ySquared * denominator) % field === 0n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % field;
    square = (square * square) % field;
  }
  return result;
}
