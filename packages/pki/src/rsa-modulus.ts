/**
 * Why nobody may rely on this RSA modulus (magnitude octets), or `undefined`: small factors (BR 6.1.6), ROCA
 * (CVE-2017-15361), primes so close that Fermat's method finds them (BR 6.1.1.3).
 */
export function modulusFault(modulus: Uint8Array): string | undefined {
  let roca = true;
  for (const prime of smallPrimes) {
    const rest = remainder(modulus, prime);
    if (rest === 0) return `is divisible by ${prime}`;
    if (roca && rocaResidues.get(prime)?.has(rest) === false) roca = false;
  }
  if (roca) return 'comes from a generator known as weak (ROCA)';
  return hasClosePrimes(BigInt(`0x${Buffer.from(modulus).toString('hex')}`))
    ? 'has primes too close together'
    : undefined;
}

/** Odd primes below 752 (BR 6.1.6). */
const smallPrimes = primesBelow(752).slice(1);

/**
 * ROCA (CVE-2017-15361): moduli of a faulty generator are, modulo each of these primes, powers of 65537. By chance a
 * sound modulus is so for all of them once in 2^27 or less.
 */
const rocaResidues = new Map(
  smallPrimes
    .filter((prime) => prime <= 167)
    .map((prime) => {
      const powers = new Set<number>();
      for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power);
      return [prime, powers];
    }),
);

function remainder(magnitude: Uint8Array, prime: number): number {
  // Two octets at a time: 752 · 2^16 stays a small integer.
  const odd = magnitude.length % 2;
  let rest = odd === 0 ? 0 : (magnitude[0] ?? 0) % prime;
  for (let at = odd; at < magnitude.length; at += 2) {
    rest = ((rest << 16) | ((magnitude[at] ?? 0) << 8) | (magnitude[at + 1] ?? 0)) % prime;
  }
  return rest;
}

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

/** Rounds that BR 6.1.1.3 asks for. */
const fermatRounds = 100;

/**
 * Fermat: n = a² − b² with `a` from the root upwards. Squares are told apart by residues first, kept as small numbers
 * from round to round: large numbers are touched once in a hundred rounds or so.
 */
function hasClosePrimes(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a += 1n;
  const first = a * a - modulus;
  let residue = Number(first % BigInt(residueModulus));
  let aResidue = Number(a % BigInt(residueModulus));
  for (let round = 0; round < fermatRounds; round += 1) {
    if (squareResidues[residue] === 1) {
      // (a + r)² − n, from a² − n.
      const steps = BigInt(round);
      const rest = first + steps * (2n * a + steps);
      const root = squareRoot(rest);
      if (root * root === rest) return true;
    }
    residue = (residue + 2 * aResidue + 1) % residueModulus;
    aResidue = (aResidue + 1) % residueModulus;
  }
  return false;
}

/** 64 · 63 · 65 · 11: of 100 numbers that are no squares about one has a square's residue by it. */
const residueModulus = 64 * 63 * 65 * 11;
const squareResidues = new Uint8Array(residueModulus);
for (let root = 0; root < residueModulus; root += 1) {
  // Below 2^53: exact.
  squareResidues[(root * root) % residueModulus] = 1;
}

/** The largest integer whose square is not above `value` (Newton). */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(16).length * 2) + 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
