import * as fc from 'fast-check';

/** A property of generated values. */
export interface BulkProperty<T> {
  readonly arbitrary: fc.Arbitrary<T>;
  /** What is wrong with it; empty when it holds. */
  readonly faultsOf: (value: T) => Promise<readonly string[]>;
  /** A value for people. */
  readonly show: (value: T) => string;
}

/** Made at a time: values of a whole soak do not fit into memory. */
const batchMax = 1000;

/**
 * Looks at `count` values, with as many of them under way at once as `inFlight`. Throws for the first that has faults,
 * after fast-check has made it as small as it can within half a minute; the same seed gives the same values.
 */
export async function holdsInBulk<T>(
  property: BulkProperty<T>,
  { seed, count, inFlight }: { readonly seed: number; readonly count: number; readonly inFlight: number },
): Promise<void> {
  for (let done = 0; done < count; done += batchMax) {
    const batch = { seed: seed + done, count: Math.min(batchMax, count - done), inFlight };
    await batchHolds(property, batch);
  }
}

async function batchHolds<T>(
  { arbitrary, faultsOf, show }: BulkProperty<T>,
  { seed, count, inFlight }: { readonly seed: number; readonly count: number; readonly inFlight: number },
): Promise<void> {
  const values = fc.sample(arbitrary, { seed, numRuns: count });
  let next = 0;
  let failed: { at: number; value: T; faults: readonly string[] } | undefined;
  const worker = async (): Promise<void> => {
    while (next < count && failed === undefined) {
      const at = next++;
      const value = values[at] as T;
      const faults = await faultsOf(value);
      if (faults.length > 0) failed ??= { at, value, faults };
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  if (failed === undefined) return;
  const smaller = await shrink({ arbitrary, faultsOf, show }, { seed, at: failed.at });
  const { value, faults } = smaller ?? failed;
  const found = `seed ${seed}, value ${failed.at}${smaller === undefined ? ', which failed once only' : ''}`;
  throw new Error([found, ...faults, show(value)].join('\n'));
}

async function shrink<T>(
  { arbitrary, faultsOf }: BulkProperty<T>,
  { seed, at }: { readonly seed: number; readonly at: number },
): Promise<{ value: T; faults: readonly string[] } | undefined> {
  const property = fc.asyncProperty(arbitrary, async (value) => {
    const faults = await faultsOf(value);
    if (faults.length > 0) throw faults;
  });
  const found = await fc.check(property, { seed, path: String(at), numRuns: 1, interruptAfterTimeLimit: 30_000 });
  const [value] = found.counterexample ?? [];
  return value === undefined ? undefined : { value, faults: found.errorInstance as readonly string[] };
}
