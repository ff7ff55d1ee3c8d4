import { randomBytes, verify } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KeyAlgorithm, KeyInfo, KeyStore } from './types.js';

/** One token for one test, and what the suite must be able to do to it from outside. */
export interface KeyStoreUnderTest {
  readonly store: KeyStore;
  /** The same token as another process would open it. The suite closes it. */
  readonly openAgain: () => Promise<KeyStore>;
  /** Takes a key away behind the store's back. */
  readonly removeKey: (label: string) => Promise<void>;
  /** Takes the control object away behind the store's back: it can no longer be told whether this is the token. */
  readonly removeControl: () => Promise<void>;
  /** Takes the token away whole, so that it does not answer. Returns what brings it back. */
  readonly removeToken: () => Promise<() => Promise<void>>;
  /** Closes `store` and leaves nothing behind. */
  readonly dispose: () => Promise<void>;
}

/**
 * What every key store must do, as vitest tests: `keyStoreContract('file', makeToken)` in a `*.test.ts`. `makeToken`
 * gives a place where nothing lies yet; each test gets a new, empty token in it.
 */
export function keyStoreContract(name: string, makeToken: () => Promise<KeyStoreUnderTest>): void {
  describe(`key store contract: ${name}`, () => {
    let subject: KeyStoreUnderTest;
    beforeEach(async () => {
      subject = await makeToken();
      await subject.store.initialise();
    });
    afterEach(() => subject.dispose());
    const opened = async (work: (other: KeyStore) => Promise<void>): Promise<void> => {
      const other = await subject.openAgain();
      await work(other).finally(() => other.close());
    };

    makingAndFinding(() => subject, opened);
    signing(() => subject, opened);
    goingAway(() => subject);
    identity(() => subject, opened);
    missing(() => subject, opened);
  });
}

type Opened = (work: (other: KeyStore) => Promise<void>) => Promise<void>;

function makingAndFinding(subject: () => KeyStoreUnderTest, opened: Opened): void {
  it('makes a key once: the same label and algorithm give the same key, also to another process', async () => {
    const { store } = subject();
    const made = await store.generate('root', 'ec-p256');
    expect(made.algorithm).toBe('ec-p256');
    expect(await store.generate('root', 'ec-p256')).toEqual(made);
    expect(await store.find('root')).toEqual(made);
    await opened(async (other) => {
      expect(await other.find('root')).toEqual(made);
      expect(await other.generate('root', 'ec-p256')).toEqual(made);
    });
  });

  it('makes one key when asked several times at once, from two processes', async () => {
    const { store } = subject();
    await opened(async (other) => {
      const made = await Promise.all([store, other, store, other].map((each) => each.generate('root', 'ec-p256')));
      expect(new Set(made.map(({ spki }) => hex(spki))).size).toBe(1);
      expect(hex((await store.find('root')).spki)).toBe(hex(made[0]?.spki));
    });
  });

  it('makes different keys for different labels', async () => {
    const { store } = subject();
    const [a, b] = await Promise.all([store.generate('a', 'ec-p256'), store.generate('b', 'ec-p256')]);
    expect(hex(a.spki)).not.toBe(hex(b.spki));
  });

  it('refuses a label that a key of another algorithm has, and keeps that key', async () => {
    const { store } = subject();
    const made = await store.generate('root', 'ec-p256');
    await refuses(store.generate('root', 'rsa-2048'), 'key-exists');
    expect(await store.find('root')).toEqual(made);
  });

  it('says key-missing for a key that was never there', async () => {
    const { store } = subject();
    await refuses(store.find('root'), 'key-missing');
    await store.generate('root', 'ec-p256');
    await refuses(store.find('other'), 'key-missing');
    await refuses(store.sign('other', randomBytes(8)), 'key-missing');
  });

  it.each(['', '.', '..', '../root', 'a/b', 'Root', 'a.b', 'a\0b', 'ü', 'a'.repeat(64), '__proto__'])(
    'refuses the label %j and does not call that a missing key',
    async (label) => {
      const { store } = subject();
      await refuses(store.generate(label, 'ec-p256'), 'token-failed');
      await refuses(store.find(label), 'token-failed');
      await refuses(store.sign(label, randomBytes(8)), 'token-failed');
    },
  );
}

function signing(subject: () => KeyStoreUnderTest, opened: Opened): void {
  // Larger RSA keys take seconds to make and differ in nothing else.
  const algorithms: KeyAlgorithm[] = ['ec-p256', 'ec-p384', 'ed25519', 'rsa-2048'];
  it.each(algorithms)('signs in the form certificates take: %s', async (algorithm) => {
    const { store } = subject();
    const made = await store.generate('root', algorithm);
    const tbs = randomBytes(1000);
    const before = hex(tbs);
    expectSignature(made, tbs, await store.sign('root', tbs));
    expect(hex(tbs)).toBe(before);
    expect(await store.generate('root', algorithm)).toEqual(made);
    await opened(async (other) => {
      expect(await other.find('root')).toEqual(made);
      expectSignature(made, tbs, await other.sign('root', tbs));
    });
  });

  it('keeps signatures apart that are made at once, over two keys', async () => {
    const { store } = subject();
    const keys = { a: await store.generate('a', 'ec-p256'), b: await store.generate('b', 'rsa-2048') };
    const signed = Array.from({ length: 40 }, async (_, index) => {
      const label = index % 2 === 0 ? 'a' : 'b';
      const tbs = randomBytes(500);
      expectSignature(keys[label], tbs, await store.sign(label, tbs));
    });
    await Promise.all(signed);
  });
}

function goingAway(subject: () => KeyStoreUnderTest): void {
  it('notices in find at once, and in sign within seconds, that a key has gone; others go on', async () => {
    const { store, removeKey } = subject();
    await store.generate('root', 'ec-p256');
    await store.generate('second', 'ec-p256');
    const other = await store.generate('other', 'ec-p256');
    await store.sign('second', randomBytes(8));
    await removeKey('root');
    await removeKey('second');
    await refuses(store.find('root'), 'key-missing');
    await vi.waitFor(() => refuses(store.sign('second', randomBytes(8)), 'key-missing'), { timeout: 5000 });
    const tbs = randomBytes(8);
    expectSignature(other, tbs, await store.sign('other', tbs));
  });

  it('does nothing more once closed', async () => {
    const { store } = subject();
    await store.generate('root', 'ec-p256');
    await store.close();
    await refuses(store.find('root'), 'token-failed');
    await refuses(store.sign('root', randomBytes(8)), 'token-failed');
    await refuses(store.generate('root', 'ec-p256'), 'token-failed');
    await store.close();
  });
}

function identity(subject: () => KeyStoreUnderTest, opened: Opened): void {
  it('is one token, to every process, whatever is done with its keys or asked again', async () => {
    const { store } = subject();
    const identity = await store.identity();
    expect(identity?.length).toBeGreaterThan(0);
    await store.generate('root', 'ec-p256');
    expect(await store.initialise()).toEqual(identity);
    await opened(async (other) => expect(await other.identity()).toEqual(identity));
  });

  it('has none that is sure without the control object, and makes no other', async () => {
    const { store, removeControl } = subject();
    await store.generate('root', 'ec-p256');
    await removeControl();
    for (const attempt of [() => store.identity(), () => store.initialise(), () => store.generate('new', 'ec-p256')])
      await refuses(attempt(), 'token-failed');
    await opened((other) => refuses(other.initialise(), 'token-failed'));
  });

  it('is another one elsewhere', async () => {
    const { store, removeToken } = subject();
    const here = await store.identity();
    const bringBack = await removeToken();
    expect(await store.identity()).toBeUndefined();
    await refuses(store.find('root'), 'token-failed');
    await refuses(store.generate('root', 'ec-p256'), 'token-failed');
    await opened(async (other) => {
      expect(await other.identity()).toBeUndefined();
      await refuses(other.generate('root', 'ec-p256'), 'token-failed');
      expect(await other.identity()).toBeUndefined();
    });
    await bringBack();
    expect(await store.identity()).toEqual(here);
  });
}

function missing(subject: () => KeyStoreUnderTest, opened: Opened): void {
  const never = Buffer.from('no key');

  it('says that a key is missing when it was never there or was taken away, and of no other', async () => {
    const { store, removeKey } = subject();
    const root = (await store.generate('root', 'ec-p256')).spki;
    const other = (await store.generate('other', 'ec-p256')).spki;
    expect(await store.confirmMissing('root', root)).toBe('there');
    expect(await store.confirmMissing('never', never)).toBe('missing');
    await store.sign('root', randomBytes(8));
    await removeKey('root');
    expect(await store.confirmMissing('root', root)).toBe('missing');
    expect(await store.confirmMissing('other', other)).toBe('there');
  });

  it('tells another key under the label, also one that was put there behind its back', async () => {
    const { store, removeKey } = subject();
    const root = (await store.generate('root', 'ec-p256')).spki;
    await removeKey('root');
    await opened(async (other) => void (await other.generate('root', 'ec-p256')));
    expect(await store.confirmMissing('root', root)).toBe('replaced');
    expect(await store.confirmMissing('root', (await store.find('root')).spki)).toBe('there');
  });

  it('sees at once a key that another process has made', async () => {
    const { store } = subject();
    expect(await store.confirmMissing('root', never)).toBe('missing');
    await opened(async (other) => {
      const { spki } = await other.generate('root', 'ec-p256');
      expect(await store.confirmMissing('root', spki)).toBe('there');
    });
  });

  it('calls no key missing without the control object', async () => {
    const { store, removeKey, removeControl } = subject();
    await store.generate('root', 'ec-p256');
    await store.generate('other', 'ec-p256');
    await removeKey('root');
    await removeControl();
    await refuses(store.confirmMissing('root', never), 'token-failed');
    await opened((other) => refuses(other.confirmMissing('root', never), 'token-failed'));
  });

  it('calls no key missing while the token is away; then it says what is', async () => {
    const { store, removeKey, removeToken } = subject();
    await store.generate('root', 'ec-p256');
    const other = (await store.generate('other', 'ec-p256')).spki;
    await removeKey('root');
    const bringBack = await removeToken();
    await refuses(store.confirmMissing('root', never), 'token-failed');
    await refuses(store.confirmMissing('other', other), 'token-failed');
    await bringBack();
    expect(await store.confirmMissing('root', never)).toBe('missing');
    expect(await store.confirmMissing('other', other)).toBe('there');
  });

  it('does not answer once closed, nor for what is no label', async () => {
    const { store } = subject();
    await refuses(store.confirmMissing('../root', never), 'token-failed');
    await store.close();
    await refuses(store.confirmMissing('root', never), 'token-failed');
  });
}

const digests: Readonly<Record<KeyAlgorithm, 'sha256' | 'sha384' | null>> = {
  'ec-p256': 'sha256',
  'ec-p384': 'sha384',
  ed25519: null,
  'rsa-2048': 'sha256',
  'rsa-3072': 'sha256',
  'rsa-4096': 'sha256',
};

/** An ECDSA signature in another form than DER does not verify, nor does RSA with another padding. */
function expectSignature(info: KeyInfo, tbs: Uint8Array, signature: Uint8Array): void {
  const key = { key: Buffer.from(info.spki), format: 'der', type: 'spki' } as const;
  expect(verify(digests[info.algorithm], tbs, key, signature)).toBe(true);
}

async function refuses(attempt: Promise<unknown>, code: SluiceError['code']): Promise<void> {
  const outcome = await attempt.then(
    () => 'no error',
    (error: unknown) => (error instanceof SluiceError ? error.code : error),
  );
  expect(outcome).toBe(code);
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}
