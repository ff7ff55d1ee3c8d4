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

/** Fermat: n = a² − b² with `a` from the root upwards. Squares are told apart by residues first, which spares roots. */
function hasClosePrimes(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a += 1n;
  let rest = a * a - modulus;
  for (let round = 0; round < fermatRounds; round += 1) {
    if (isSquare(rest)) return true;
    rest += 2n * a + 1n;
    a += 1n;
  }
  return false;
}

/** 64 · 63 · 65 · 11: of 100 numbers that are no squares fewer than one has a square's residue by it. */
const residueModulus = 64 * 63 * 65 * 11;
const squareResidues = new Uint8Array(residueModulus);
for (let root = 0; root < residueModulus; root += 1) squareResidues[(root * root) % residueModulus] = 1;

function isSquare(value: bigint): boolean {
  if (squareResidues[Number(value % BigInt(residueModulus))] !== 1) return false;
  const root = squareRoot(value);
  return root * root === value;
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
