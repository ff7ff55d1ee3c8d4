import { type Code, SluiceError } from '@sluice/errors';
import { expect } from 'vitest';

/** Awaits `work`, which must reject with a SluiceError of this code, and gives it back. */
export async function rejection(work: Promise<unknown>, code?: Code): Promise<SluiceError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return refusal(() => {
    throw thrown;
  }, code);
}

/** Runs `work`, which must throw a SluiceError of this code, and gives it back. */
export function refusal(work: () => unknown, code?: Code): SluiceError {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof SluiceError)) throw new Error('expected a SluiceError', { cause: thrown });
  if (code !== undefined) expect(`${thrown.code}: ${thrown.message}`).toMatch(new RegExp(`^${code}: `));
  return thrown;
}
