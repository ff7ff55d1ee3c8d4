import { SluiceError } from '@sluice/errors';

/**
 * The answer of a token, or `token-failed` when it has not come within `waitMs`. The call itself cannot be taken back:
 * whatever it answers later is never looked at.
 */
export async function inTime<T>(waitMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SluiceError('token-failed', 'The token did not answer in time')), waitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
