import { createHash } from 'node:crypto';
import { fdatasync, openSync, readFileSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { KeyStore } from '@sluice/key-store';
import { serialOfTbs } from './der.js';

const synced = promisify(fdatasync);

/** What the witness wrote before a signature was asked for. */
export interface WitnessEntry {
  /** Lower-case hex of the serial in the bytes themselves; null when they are no certificate. */
  readonly serial: string | null;
  /** Hex SHA-256 of the bytes to be signed. */
  readonly tbsHash: string;
  /** The key asked: the CA's name. */
  readonly label: string;
  readonly token: string;
  readonly pid: number;
  /** ISO 8601. By the machine's clock, whatever `shiftClock` makes of the process's own. */
  readonly at: string;
}

/**
 * A key store that writes down each signature before it is asked for, durably, and independently of the ledger: what is
 * not in `file` was never signed. Several processes may share the file. Everything else goes to `inner` as it is.
 */
export function createWitnessKeyStore(inner: KeyStore, file: string): KeyStore {
  const descriptor = openSync(file, 'a', 0o600);
  const durable = shareSyncs(() => synced(descriptor));
  return {
    token: inner.token,
    identity: () => inner.identity(),
    initialise: () => inner.initialise(),
    generate: (label, algorithm) => inner.generate(label, algorithm),
    find: (label) => inner.find(label),
    confirmMissing: (label, spki) => inner.confirmMissing(label, spki),
    async sign(label, tbs) {
      const entry: WitnessEntry = {
        serial: serialOfTbs(tbs) ?? null,
        tbsHash: createHash('sha256').update(tbs).digest('hex'),
        label,
        token: inner.token,
        pid: process.pid,
        at: new Date(performance.timeOrigin + performance.now()).toISOString(),
      };
      // One write of one line to a file opened for appending: lines of several processes do not mix.
      writeSync(descriptor, `${JSON.stringify(entry)}\n`);
      await durable();
      return inner.sign(label, tbs);
    },
    close: () => inner.close(),
  };
}

/** Callers that come while one sync runs share the next one. */
function shareSyncs(sync: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running
      .catch(() => undefined) // its own callers were told
      .then(() => {
        next = undefined;
        running = sync();
        return running;
      });
    return next;
  };
}

/** Every entry, in the order written. Throws on a line that is none. */
export function readWitness(file: string): WitnessEntry[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as WitnessEntry);
}
