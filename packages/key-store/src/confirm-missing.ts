import { asSluiceError, SluiceError } from '@sluice/errors';
import type { KeyPresence } from './types.js';

/** A session with the token, opened for one look: it knows nothing of what was seen before. */
export interface TokenSession {
  /** Finds the token's control object and opens it. Throws when it is not there, does not open, or is another token's. */
  openControl(): Promise<void>;
  /** SubjectPublicKeyInfo of the key under this label; `undefined` when there is none. */
  publicKey(label: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** A key by its label, and which one it should be: its SubjectPublicKeyInfo. */
export interface SoughtKey {
  readonly label: string;
  readonly spki: Uint8Array;
}

/**
 * Which of these keys are missing, or replaced by another, on a token that is well? Those of which two new sessions said
 * the same, each of which opened the control object before and after it looked: a volume that went away in between has
 * no missing keys. In the order of `sought`. Whatever else happens is `token-failed`: a token in doubt never loses a key
 * for its CA.
 */
export async function confirmMissing(
  openSession: () => Promise<TokenSession>,
  sought: readonly SoughtKey[],
): Promise<KeyPresence[]> {
  try {
    const first = await lookOnce(openSession, sought);
    if (first.every((presence) => presence === 'there')) return first;
    const second = await lookOnce(openSession, sought);
    return sought.map(({ label }, index) => agreed(label, first[index], second[index]));
  } catch (thrown) {
    const error = asSluiceError(thrown);
    if (error.code === 'token-failed') throw error;
    const labels = sought.map(({ label }) => label).join(', ');
    throw new SluiceError('token-failed', `whether ${labels} is missing is not known: ${error.message}`, {
      cause: thrown,
    });
  }
}

function agreed(label: string, first: KeyPresence | undefined, second: KeyPresence | undefined): KeyPresence {
  if (first === 'there' || second === 'there') return 'there';
  if (first !== undefined && first === second) return first;
  throw new SluiceError('token-failed', `two looks at ${label} saw different things`);
}

/**
 * `confirmMissing` for one key at a time. Those asked for while one confirmation runs share the next one: opening a
 * control object is dear, and keys of many CAs may go at once.
 */
export function createMissingCheck(
  openSession: () => Promise<TokenSession>,
): (label: string, spki: Uint8Array) => Promise<KeyPresence> {
  let running: Promise<unknown> = Promise.resolve();
  let next: { readonly sought: SoughtKey[]; readonly found: Promise<KeyPresence[]> } | undefined;
  function beginNext() {
    const sought: SoughtKey[] = [];
    const found = running.then(() => {
      next = undefined;
      return confirmMissing(openSession, sought);
    });
    running = found.catch(() => undefined); // its own callers are told
    return { sought, found };
  }
  return async (label, spki) => {
    next ??= beginNext();
    const at = next.sought.push({ label, spki }) - 1;
    return (await next.found)[at] ?? 'there';
  };
}

async function lookOnce(
  openSession: () => Promise<TokenSession>,
  sought: readonly SoughtKey[],
): Promise<KeyPresence[]> {
  const session = await openSession();
  try {
    await session.openControl();
    const seen: KeyPresence[] = [];
    for (const { label, spki } of sought) {
      const found = await session.publicKey(label);
      if (found === undefined) seen.push('missing');
      else seen.push(Buffer.compare(found, spki) === 0 ? 'there' : 'replaced');
    }
    if (seen.some((presence) => presence !== 'there')) await session.openControl();
    return seen;
  } finally {
    await session.close();
  }
}
