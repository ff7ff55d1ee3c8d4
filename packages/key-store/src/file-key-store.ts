import { createPublicKey, type KeyObject } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { createMissingCheck, type TokenSession } from './confirm-missing.js';
import { decryptPkcs8, encryptPkcs8 } from './encrypted-pkcs8.js';
import { algorithmOf, generatePrivateKey, signWith } from './key-algorithm.js';
import { controlName, createKeyFiles, type FileStamp, type KeyFiles } from './key-files.js';
import type { KeyAlgorithm, KeyInfo, KeyPresence, KeyStore } from './types.js';

/** How long `sign` goes on with a cached key before it looks whether its file is still there. */
const lookAgainMs = 1000;

export interface FileKeyStoreOptions {
  /** Directory of the keys. Made, and made a token, by `initialise`. */
  readonly dir: string;
  /** Pass phrase of every key in it; never in a message, a fact or a log. */
  readonly passphrase: string;
  /** The token's name. */
  readonly token: string;
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonicMs?: () => number;
}

interface OpenKey {
  readonly info: KeyInfo;
  readonly key: KeyObject;
  readonly stamp: FileStamp;
  lookedMs: number;
}

/**
 * A token that is a directory: one encrypted PKCS#8 file for each CA key. Keys are decrypted once and kept; a file that
 * goes away is noticed by the next `find`, and by `sign` within a second. Several processes may share the directory.
 */
export function createFileKeyStore(options: FileKeyStoreOptions): KeyStore {
  return new FileKeyStore(options);
}

class FileKeyStore implements KeyStore {
  readonly token: string;
  readonly #dir: string;
  readonly #files: KeyFiles;
  readonly #passphrase: string;
  readonly #monotonicMs: () => number;
  readonly #checkMissing = createMissingCheck(() => this.#openSession());
  readonly #open = new Map<string, OpenKey>();
  /** By label, the file that was opened last: the same text opens to the same key, and to open one takes 60 ms of a processor. */
  readonly #opened = new Map<string, { readonly pem: string; readonly spki: Promise<Uint8Array> }>();
  /** Two at a time, in turn: signatures are made on the same four threads, and must not wait behind fifty openings. */
  readonly #openings: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];
  /** One opening or making at a time for each label: the second caller gets what the first one got. */
  readonly #busy = new Map<string, Promise<unknown>>();
  /** SubjectPublicKeyInfo of the control object as it was last asked for: which token this is. */
  #control: Uint8Array | undefined;
  #closed = false;

  constructor({ dir, passphrase, token, monotonicMs = () => performance.now() }: FileKeyStoreOptions) {
    this.token = token;
    this.#dir = dir;
    this.#files = createKeyFiles(dir);
    this.#passphrase = passphrase;
    this.#monotonicMs = monotonicMs;
  }

  async identity(): Promise<Uint8Array | undefined> {
    this.#refuseClosed();
    if (await this.#files.isEmpty()) return undefined;
    const control = await this.#readControl(this.#files);
    // Another volume was mounted: what is known of the keys is of the other token.
    if (this.#control !== undefined && !sameBytes(control, this.#control)) this.#open.clear();
    this.#control = control;
    return control;
  }

  async initialise(): Promise<Uint8Array> {
    this.#refuseClosed();
    if (await this.#files.isEmpty()) {
      const key = await generatePrivateKey('ec-p256');
      const pem = await encryptPkcs8(key.export({ type: 'pkcs8', format: 'der' }), this.#passphrase);
      await this.#files.makeDirectory();
      // False: another process was faster, and its control object is the one.
      await this.#files.create(controlName, pem);
    }
    return (await this.identity()) ?? this.#empty();
  }

  async generate(label: string, algorithm: KeyAlgorithm): Promise<KeyInfo> {
    await this.#usable(label);
    return this.#oneByOne(label, async () => {
      const known = await this.#load(label);
      if (known === undefined) {
        // A key made where the volume is not mounted would be lost when it is.
        await (await this.#openSession()).openControl();
        const key = await generatePrivateKey(algorithm);
        const pem = await encryptPkcs8(key.export({ type: 'pkcs8', format: 'der' }), this.#passphrase);
        // False: another process was faster, and its key is the one. Either way what counts is what the file holds.
        await this.#files.create(label, pem);
      }
      const { info } = known ?? (await this.#load(label)) ?? this.#gone(label);
      if (info.algorithm !== algorithm) {
        throw new SluiceError('key-exists', `${label} is a key of ${info.algorithm}`, { facts: { label } });
      }
      return info;
    });
  }

  async find(label: string): Promise<KeyInfo> {
    await this.#usable(label);
    return (await this.#look(label, () => this.#load(label))).info;
  }

  async confirmMissing(label: string, spki: Uint8Array): Promise<KeyPresence> {
    await this.#usable(label);
    return this.#checkMissing(label, spki);
  }

  async sign(label: string, tbs: Uint8Array): Promise<Uint8Array> {
    const { key, info } = this.#lookedLately(label) ?? (await this.#lookForSigning(label));
    try {
      return await signWith(key, info.algorithm, tbs);
    } catch (cause) {
      throw new SluiceError('token-failed', `${label} could not sign`, { facts: { label }, cause });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#open.clear();
    this.#opened.clear();
    await Promise.allSettled(this.#busy.values());
    this.#open.clear();
  }

  #lookedLately(label: string): OpenKey | undefined {
    const cached = this.#open.get(label);
    return cached !== undefined && this.#monotonicMs() - cached.lookedMs < lookAgainMs ? cached : undefined;
  }

  /** Of many that sign at once when a second has passed, the first one looks and the others take what it found. */
  async #lookForSigning(label: string): Promise<OpenKey> {
    await this.#usable(label);
    return this.#look(label, async () => this.#lookedLately(label) ?? this.#load(label));
  }

  /** Throws `key-missing` when the token is there and the key is not. */
  async #look(label: string, load: () => Promise<OpenKey | undefined>): Promise<OpenKey> {
    const found = await this.#oneByOne(label, load);
    if (found !== undefined) return found;
    if ((await this.#files.stamp(controlName)) === undefined) {
      throw new SluiceError('token-failed', 'the key directory holds no control object: is the volume mounted?');
    }
    return this.#gone(label);
  }

  #gone(label: string): never {
    throw new SluiceError('key-missing', `${label} is not on token ${this.token}`, { facts: { label } });
  }

  /** From the cache when the file has not changed, else from the file; `undefined` when there is none. */
  async #load(label: string): Promise<OpenKey | undefined> {
    const lookedMs = this.#monotonicMs();
    const stamp = await this.#files.stamp(label);
    const cached = this.#open.get(label);
    if (cached !== undefined && stamp !== undefined && sameStamp(cached.stamp, stamp)) {
      cached.lookedMs = lookedMs;
      return cached;
    }
    this.#open.delete(label);
    const file = stamp === undefined ? undefined : await this.#files.read(label);
    if (file === undefined) return undefined;
    const opening = this.#decrypt(label, file.pem);
    void this.#remember(label, file.pem, opening);
    const key = await opening;
    const algorithm = algorithmOf(key);
    if (algorithm === undefined) throw new SluiceError('token-failed', `${label} is a key of no kind used here`);
    const opened: OpenKey = { info: { spki: spkiOf(key), algorithm }, key, stamp: file.stamp, lookedMs };
    if (!this.#closed) this.#open.set(label, opened);
    return opened;
  }

  async #decrypt(name: string, pem: string): Promise<KeyObject> {
    // An unencrypted file would open with any pass phrase.
    if (!pem.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----')) {
      throw new SluiceError('token-failed', `the file of ${name} is not an encrypted PKCS#8 key`);
    }
    const open = (): Promise<KeyObject> => decryptPkcs8(pem, this.#passphrase);
    const mine = this.#openings.shift()?.then(open, open) ?? open();
    this.#openings.push(mine);
    try {
      return await mine;
    } catch {
      // The cause is left out on purpose: what OpenSSL says here tells wrong pass phrases from damaged files only by
      // chance, and no part of either belongs into a log.
      throw new SluiceError('token-failed', `the file of ${name} does not open: wrong pass phrase, or damaged`);
    }
  }

  async #usable(label: string): Promise<void> {
    this.#refuseClosed();
    if (!/^[a-z0-9-]{1,63}$/.test(label)) {
      throw new SluiceError('token-failed', 'a key label is 1 to 63 of a-z, 0-9 and hyphen');
    }
    if (this.#control === undefined && (await this.identity()) === undefined) this.#empty();
  }

  #refuseClosed(): void {
    if (this.#closed) throw new SluiceError('token-failed', 'the key store is closed');
  }

  #empty(): never {
    throw new SluiceError('token-failed', 'the key directory is empty: is the volume mounted?');
  }

  /** Its public half. Throws `token-failed` when there is none, or none that opens. */
  async #readControl(files: KeyFiles): Promise<Uint8Array> {
    const control = await files.read(controlName);
    if (control === undefined) {
      throw new SluiceError('token-failed', 'the key directory holds no control object: is the volume mounted?');
    }
    return this.#publicHalf(controlName, control.pem);
  }

  /** Of a file that was read just now. Throws `token-failed` when it does not open. */
  #publicHalf(label: string, pem: string): Promise<Uint8Array> {
    const known = this.#opened.get(label);
    if (known?.pem === pem) return known.spki;
    return this.#remember(label, pem, this.#decrypt(label === controlName ? 'the control object' : label, pem));
  }

  /** Also while it is being opened, for whoever asks meanwhile; not when it does not open. */
  #remember(label: string, pem: string, opening: Promise<KeyObject>): Promise<Uint8Array> {
    const spki = opening.then(spkiOf);
    const remembered = { pem, spki };
    this.#opened.set(label, remembered);
    spki.catch(() => {
      if (this.#opened.get(label) === remembered) this.#opened.delete(label);
    });
    return spki;
  }

  /**
   * Reads from the directory alone. Another token in its place (another volume, one made anew) is not this one. What was
   * read opens without its pass phrase when it is what opened before: of fifty keys that go, or are replaced, at once
   * none may wait so long that the token seems not to answer.
   */
  async #openSession(): Promise<TokenSession> {
    const files = createKeyFiles(this.#dir);
    return {
      openControl: async () => {
        const control = await this.#readControl(files);
        if (!sameBytes(control, this.#control ?? new Uint8Array())) {
          throw new SluiceError('token-failed', 'the key directory is another token than it was');
        }
      },
      publicKey: async (label) => {
        const file = await files.read(label);
        return file && this.#publicHalf(label, file.pem);
      },
      close: async () => undefined,
    };
  }

  async #oneByOne<T>(label: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(label) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#busy.set(label, mine);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(label) === mine) this.#busy.delete(label);
    }
  }
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function sameStamp(left: FileStamp, right: FileStamp): boolean {
  return left.inode === right.inode && left.size === right.size && left.modifiedMs === right.modifiedMs;
}
