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
 * Is a key missing on a token that is well? True only when it was not found twice, on two new sessions, each of which
 * opened the control object before and after it looked: a volume that went away in between has no missing keys. False
 * when a look found it. Whatever else happens is `token-failed`: a token in doubt never loses a key for its CA.
 */
export async function confirmMissing(openSession: () => Promise<TokenSession>, label: string): Promise<boolean> {
  try {
    for (let look = 1; look <= looks; look += 1) {
      if (await foundOnce(openSession, label)) return false;
    }
    return true;
  } catch (thrown) {
    const error = asSluiceError(thrown);
    if (error.code === 'token-failed') throw error;
    throw new SluiceError('token-failed', `whether ${label} is missing is not known: ${error.message}`, {
      cause: thrown,
    });
  }
}

async function foundOnce(openSession: () => Promise<TokenSession>, label: string): Promise<boolean> {
  const session = await openSession();
  try {
    await session.openControl();
    const found = await session.holds(label);
    if (!found) await session.openControl();

    return found;
  } finally {
    await session.close();
  }
}
