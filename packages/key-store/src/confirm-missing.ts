import { asSluiceError, SluiceError } from '@sluice/errors';

/** How often a key must not be found before it is called missing, each time on a session of its own. */
const looks = 2;

/** A session with the token, opened for one look: it knows nothing of what was seen before. */
export interface TokenSession {
  /** Finds the token's control object and opens it. Throws when it is not there, does not open, or is another token's. */
  openControl(): Promise<void>;
  /** Is there a key under this label, whether or not it can be used? */
  holds(label: string): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Which of these keys are missing on a token that is well? Those that were not found twice, on two new sessions, each of
 * which opened the control object before and after it looked: a volume that went away in between has no missing keys.
 * Whatever else happens is `token-failed`: a token in doubt never loses a key for its CA.
 */
export async function confirmMissing(
  openSession: () => Promise<TokenSession>,
  labels: readonly string[],
): Promise<ReadonlySet<string>> {
  try {
    let missing = labels;
    for (let look = 1; look <= looks && missing.length > 0; look += 1) missing = await notFound(openSession, missing);
    return new Set(missing);
  } catch (thrown) {
    const error = asSluiceError(thrown);
    if (error.code === 'token-failed') throw error;
    throw new SluiceError('token-failed', `whether ${labels.join(', ')} is missing is not known: ${error.message}`, {
      cause: thrown,
    });
  }
}

/**
 * `confirmMissing` for one key at a time. Those asked for while one confirmation runs share the next one: opening a
 * control object is dear, and keys of many CAs may go at once.
 */
export function createMissingCheck(openSession: () => Promise<TokenSession>): (label: string) => Promise<boolean> {
  let running: Promise<unknown> = Promise.resolve();
  let next: { readonly labels: Set<string>; readonly missing: Promise<ReadonlySet<string>> } | undefined;
  function beginNext() {
    const labels = new Set<string>();
    const missing = running.then(() => {
      next = undefined;
      return confirmMissing(openSession, [...labels]);
    });
    running = missing.catch(() => undefined); // its own callers are told
    return { labels, missing };
  }
  return async (label) => {
    next ??= beginNext();
    next.labels.add(label);
    return (await next.missing).has(label);
  };
}

async function notFound(openSession: () => Promise<TokenSession>, labels: readonly string[]): Promise<string[]> {
  const session = await openSession();
  try {
    await session.openControl();
    const absent: string[] = [];
    for (const label of labels) if (!(await session.holds(label))) absent.push(label);
    if (absent.length > 0) await session.openControl();
    return absent;
  } finally {
    await session.close();
  }
}
