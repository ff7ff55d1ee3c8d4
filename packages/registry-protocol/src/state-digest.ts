import { createHash, hash } from 'node:crypto';
import { isPrefix } from './blocked-keys.js';
import { canonicalJson, inOrderOfOctets } from './canonical-json.js';
import { atOnce, inSlices, type Steps } from './slices.js';
import { type Entities, type Snapshot, spkiSha256Bytes } from './snapshot.js';

/** So many entities, or blocked keys, are hashed without letting anything else run. */
const entitiesPerSlice = 32;
const keysPerSlice = 512;
/** What is known already costs a look only. */
const knownPerSlice = 1024;
/** A kept digest hashes one in so many anew each time: with a heartbeat every 5 s, everything once a minute. */
const shares = 12;

type Entity = { readonly name: string };

interface HashedKeys {
  readonly octets: Buffer;
  readonly chain: Buffer;
}

/** What of a state was hashed before. */
interface Known {
  readonly hashes: WeakMap<Entity, string>;
  keys: HashedKeys;
  /** Whether this one is hashed anew although it is known. */
  readonly doubts: (index: number) => boolean;
}

const noKeys: HashedKeys = { octets: Buffer.alloc(0), chain: Buffer.alloc(spkiSha256Bytes) };

/**
 * SHA-256 of the epoch and of every entity's hash, each on its line, in order of kind and name. The same state has the
 * same digest wherever it is: the ledger seals it with each version (`registry.digest`), whoever holds the state computes it from what it holds.
 */
export function stateDigest(state: Snapshot): Uint8Array {
  return atOnce(digestSteps(state, { hashes: new WeakMap(), keys: noKeys, doubts: () => false }));
}

/** The digest of one state after the other, for the price of what changed. */
export interface KeptDigest {
  /**
   * The same as `stateDigest`, beside other work: a slice at a time. An entity hashed before is not hashed again, but for
   * a twelfth of them each time, and blocked keys behind those that were hashed before continue their chain: so a bit
   * that flipped in what is held is found by the twelfth call at the latest. An entity once given must not be changed.
   */
  of(state: Snapshot): Promise<Uint8Array>;
}

export function createKeptDigest(): KeptDigest {
  let turn = 0;
  const known = { hashes: new WeakMap<Entity, string>(), keys: noKeys };
  return {
    async of(state) {
      turn = (turn + 1) % shares;
      const share = turn;
      const doubting: Known = { ...known, doubts: (index) => index % shares === share };
      if (share === 0) doubting.keys = noKeys;
      const digest = await inSlices(digestSteps(state, doubting));
      known.keys = doubting.keys;
      return digest;
    },
  };
}

/** Kinds in order, and names within a kind. */
function* digestSteps(state: Snapshot, known: Known): Steps<Uint8Array> {
  const digest = createHash('sha256').update(`${state.epoch}\n`);
  const add = (kind: string, name: string, hashed: string): void => void digest.update(`${kind} ${name} ${hashed}\n`);

  function* addAll(kind: string, entities: readonly Entity[]): Steps<void> {
    let work = 0;
    // As a rule they are in this order already.
    for (const [index, entity] of entities.toSorted((one, other) => inOrderOfOctets(one.name, other.name)).entries()) {
      const before = known.doubts(index) ? undefined : known.hashes.get(entity);
      const hashed = before ?? hash('sha256', canonicalJson(entity), 'hex');
      if (before === undefined) known.hashes.set(entity, hashed);
      add(kind, entity.name, hashed);
      work += before === undefined ? 1 / entitiesPerSlice : 1 / knownPerSlice;
      if (work < 1) continue;
      work = 0;
      yield;
    }
  }

  yield* addAll('account', state.accounts);
  add('blocked-keys', 'all', hash('sha256', canonicalJson(yield* blockedKeysEntity(state, known)), 'hex'));
  yield* addAll('ca', state.cas);
  yield* addAll('profile', state.profiles);
  return digest.digest();
}

/** The block list as one entity: a chain of hashes, so that one more key costs one more hash. */
function* blockedKeysEntity({ blockedKeys }: Pick<Entities, 'blockedKeys'>, known: Known): Steps<object> {
  const octets = Buffer.from(blockedKeys, 'base64');
  const count = octets.length / spkiSha256Bytes;
  const before = isPrefix(known.keys.octets, octets) ? known.keys : noKeys;
  // The chain so far, and the next key behind it.
  const link = Buffer.alloc(2 * spkiSha256Bytes);
  before.chain.copy(link);
  for (let index = before.octets.length / spkiSha256Bytes; index < count; index++) {
    octets.copy(link, spkiSha256Bytes, index * spkiSha256Bytes, (index + 1) * spkiSha256Bytes);
    hash('sha256', link, 'buffer').copy(link);
    if (index % keysPerSlice === keysPerSlice - 1) yield;
  }
  const chain = Buffer.from(link.subarray(0, spkiSha256Bytes));
  known.keys = { octets, chain };
  return { count, chain: chain.toString('hex') };
}
