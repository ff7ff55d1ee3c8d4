import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Log } from '@sluice/lifecycle';

/** Registered public keys by name. */
export type KeyDirectory = (name: string) => Promise<KeyObject | undefined>;

export interface KeyDirectoryOptions {
  /** SPKI DER by name, from the ledger. */
  readonly load: () => Promise<readonly { readonly name: string; readonly publicKey: Uint8Array }[]>;
  readonly monotonicMs: () => number;
  /** How long a key that was taken away may still be accepted, whatever happens to the wall clock. */
  readonly cacheMs: number;
  readonly log: Log;
}

/** A stranger's name costs the ledger a reading, but never more than four a second. */
const unknownIntervalMs = 250;

/**
 * Keys from the ledger, cached for a few seconds and read once for all who wait. A name that is not there may have been
 * registered a moment ago: the keys are then read again, at most once in 250 ms. Throws what the ledger throws.
 */
export function createKeyDirectory({ load, monotonicMs, cacheMs, log }: KeyDirectoryOptions): KeyDirectory {
  let keys: Promise<ReadonlyMap<string, KeyObject>> | undefined;
  let readAtMs = -Infinity;

  async function read(): Promise<ReadonlyMap<string, KeyObject>> {
    const byName = new Map<string, KeyObject>();
    for (const { name, publicKey } of await load()) {
      try {
        byName.set(name, createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }));
      } catch (err) {
        // One unreadable key must not lock everybody else out.
        log.error({ event: 'key-unreadable', name, err }, 'a registered public key cannot be read');
      }
    }
    return byName;
  }

  /** What was read less than `ageMsMax` ago, or else a new reading that all who come now share. */
  function readSince(ageMsMax: number): Promise<ReadonlyMap<string, KeyObject>> {
    if (keys !== undefined && monotonicMs() - readAtMs < ageMsMax) return keys;
    readAtMs = monotonicMs();
    const reading = read();
    keys = reading;
    reading.catch(() => {
      // A failed reading is not kept; the next call tries again.
      if (keys === reading) keys = undefined;
    });
    return reading;
  }

  return async (name) => (await readSince(cacheMs)).get(name) ?? (await readSince(unknownIntervalMs)).get(name);
}
