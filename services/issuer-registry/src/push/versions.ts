import type { RegistryStore, Entities as StoredEntities, Version } from '@sluice/ledger';
import { type Entities, frameLine } from '@sluice/registry-protocol';

/** A frame as it is sent, and the epoch that whoever has read it is at. */
export interface SentFrame {
  readonly epoch: bigint;
  readonly line: Buffer;
}

/** Subscribers are at the same few versions; one frame may be as large as the whole state. */
const framesMax = 8;

/** The newest version of the registry as this process knows it, written out once for all streams. */
export interface Versions {
  /** Looks into the ledger, and once more when asked to meanwhile. Throws what the ledger throws. */
  look(): Promise<void>;
  /** `undefined` before the first look. */
  newest(): Version | undefined;
  /** Monotonic milliseconds of the last look that was answered. */
  lookedAtMs(): number;
  /**
   * What whoever has `epoch` is missing; of `undefined` all there is. Read and written once for all who ask for the same;
   * what was asked for longest ago is not kept.
   */
  since(epoch: bigint | undefined): Promise<SentFrame>;
  /** Says that nothing was missed up to the newest. */
  heartbeat(): SentFrame | undefined;
}

export function createVersions(options: {
  readonly store: Pick<RegistryStore, 'versionNow' | 'entitiesSince'>;
  readonly monotonicMs: () => number;
  /** There is another version; `replaced`: an older epoch than before, or the same with another digest. */
  readonly onChange: (replaced: boolean) => void;
}): Versions {
  const { store, monotonicMs, onChange } = options;
  let newest: Version | undefined;
  let answeredAtMs = Number.NEGATIVE_INFINITY;
  let frames = new Map<bigint | undefined, Promise<SentFrame>>();
  let looking: Promise<void> | undefined;
  let again = false;

  function adopt({ epoch, digest }: Version): void {
    const before = newest;
    if (before !== undefined && isSame(before, { epoch, digest })) return;
    newest = { epoch, digest };
    frames = new Map();
    onChange(before !== undefined && epoch <= before.epoch);
  }

  async function lookUntilQuiet(): Promise<void> {
    do {
      again = false;
      const version = await store.versionNow();
      answeredAtMs = monotonicMs();
      adopt(version);
    } while (again);
  }

  async function read(from: bigint | undefined): Promise<SentFrame> {
    const entities = await store.entitiesSince(from ?? 0n);
    // Newer than the last look, perhaps; an older reading that comes late is none of the newest.
    if (newest === undefined || entities.epoch >= newest.epoch) adopt(entities);
    return { epoch: entities.epoch, line: lineOf(from, entities) };
  }

  return {
    newest: () => newest,
    lookedAtMs: () => answeredAtMs,
    look() {
      again = true;
      looking ??= lookUntilQuiet().finally(() => {
        looking = undefined;
      });
      return looking;
    },
    since(epoch) {
      const ofThisVersion = frames;
      const known = ofThisVersion.get(epoch);
      const reading = known ?? read(epoch);
      // In order of their last use.
      ofThisVersion.delete(epoch);
      ofThisVersion.set(epoch, reading);
      if (known !== undefined) return known;
      const [longestAgo] = ofThisVersion.keys();
      if (ofThisVersion.size > framesMax) ofThisVersion.delete(longestAgo);
      reading.catch(() => {
        if (ofThisVersion.get(epoch) === reading) ofThisVersion.delete(epoch);
      });
      return reading;
    },
    heartbeat() {
      if (newest === undefined) return undefined;
      const { epoch } = newest;
      return {
        epoch,
        line: Buffer.from(frameLine({ type: 'heartbeat', epoch: String(epoch), digest: text(newest.digest) })),
      };
    },
  };
}

function isSame(one: Version, other: Version): boolean {
  return one.epoch === other.epoch && Buffer.compare(one.digest, other.digest) === 0;
}

function lineOf(from: bigint | undefined, { epoch: at, digest: sealed, ...stored }: StoredEntities): Buffer {
  const [epoch, digest] = [String(at), text(sealed)];
  // As the ledger has sealed them: not one octet of a value is made here.
  const { cas, profiles, accounts } = stored as unknown as Entities;
  const changed = { cas, profiles, accounts, blockedKeys: Buffer.concat(stored.blockedKeys).toString('base64') };
  const line =
    from === undefined
      ? frameLine({ type: 'snapshot', digest, state: { epoch, ...changed } })
      : frameLine({ type: 'change', from: String(from), epoch, digest, changed });
  return Buffer.from(line);
}

function text(digest: Uint8Array): string {
  return Buffer.from(digest).toString('base64url');
}
