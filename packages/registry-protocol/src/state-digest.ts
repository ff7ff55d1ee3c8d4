import { createHash, hash } from 'node:crypto';
import { setImmediate as otherWork } from 'node:timers/promises';
import { canonicalJson, inOrderOfOctets } from './canonical-json.js';
import { type Entities, type Snapshot, spkiSha256Bytes } from './snapshot.js';

/** So many entities, or blocked keys, are hashed without letting anything else run: below 1 ms. */
const entitiesPerSlice = 32;
const keysPerSlice = 512;

/**
 * SHA-256 of the epoch and of every entity's hash, each on its line, in order of kind and name. The same state has the
 * same digest wherever it is: the ledger seals it with each version (`registry.digest`), whoever holds the state computes it from what it holds.
 */
export function stateDigest(state: Snapshot): Uint8Array {
  const steps = digestSteps(state);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same of a state that may be large, beside other work: no more than about a millisecond at a time. */
export async function stateDigestInSlices(state: Snapshot): Promise<Uint8Array> {
  const steps = digestSteps(state);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await otherWork();
  }
}

/** Kinds in order, and names within a kind. */
function* digestSteps(state: Snapshot): Generator<void, Uint8Array> {
  const digest = createHash('sha256').update(`${state.epoch}\n`);
  const add = (kind: string, name: string, body: object): void =>
    void digest.update(`${kind} ${name} ${hash('sha256', canonicalJson(body), 'hex')}\n`);

  function* addAll(kind: string, entities: readonly { readonly name: string }[]): Generator<void> {
    const sorted = entities.toSorted((one, other) => inOrderOfOctets(one.name, other.name));
    for (const [index, entity] of sorted.entries()) {
      add(kind, entity.name, entity);
      if (index % entitiesPerSlice === entitiesPerSlice - 1) yield;
    }
  }

  yield* addAll('account', state.accounts);
  add('blocked-keys', 'all', yield* blockedKeysEntity(state));
  yield* addAll('ca', state.cas);
  yield* addAll('profile', state.profiles);
  return digest.digest();
}

/** The block list as one entity: a chain of hashes, so that one more key costs the ledger one more hash. */
function* blockedKeysEntity({ blockedKeys }: Pick<Entities, 'blockedKeys'>): Generator<void, object> {
  const keys = Buffer.from(blockedKeys, 'base64');
  const count = keys.length / spkiSha256Bytes;
  let chain = Buffer.alloc(spkiSha256Bytes);
  for (let index = 0; index < count; index++) {
    const key = keys.subarray(index * spkiSha256Bytes, (index + 1) * spkiSha256Bytes);
    chain = hash('sha256', Buffer.concat([chain, key]), 'buffer');
    if (index % keysPerSlice === keysPerSlice - 1) yield;
  }
  return { count, chain: chain.toString('hex') };
}
