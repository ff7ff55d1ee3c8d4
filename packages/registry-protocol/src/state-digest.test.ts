import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.js';
import { withChange } from './frames.js';
import type { Entities, Snapshot } from './snapshot.js';
import { createKeptDigest, stateDigest } from './state-digest.js';
import { arbitraryEntities, arbitrarySnapshot, nothing } from './testing/arbitrary-state.js';

const sha256 = (...parts: (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

it('is the SHA-256 that the ledger seals a version with, written out for one state', () => {
  const key = Buffer.alloc(32, 7);
  const account = { name: 'b', state: 'enabled' as const, profiles: ['tls'], apiKeyHashes: [] };
  const state: Snapshot = {
    ...nothing,
    epoch: '12',
    accounts: [account, { ...account, name: 'a', profiles: [] }],
    blockedKeys: key.toString('base64'),
  };
  const lines = [
    `account a ${hex(sha256('{"apiKeyHashes":[],"name":"a","profiles":[],"state":"enabled"}'))}`,
    `account b ${hex(sha256('{"apiKeyHashes":[],"name":"b","profiles":["tls"],"state":"enabled"}'))}`,
    `blocked-keys all ${hex(sha256(`{"chain":"${hex(sha256(Buffer.alloc(32), key))}","count":1}`))}`,
  ];
  expect(hex(stateDigest(state))).toBe(hex(sha256('12\n', ...lines.map((line) => `${line}\n`))));
});

it('does not depend on the order in which entities are held, nor on how their JSON is written', async () => {
  const shuffled = arbitrarySnapshot.chain((state) =>
    fc.record({
      state: fc.constant(state),
      cas: fc.shuffledSubarray(state.cas, { minLength: state.cas.length }),
      profiles: fc.shuffledSubarray(state.profiles, { minLength: state.profiles.length }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(shuffled, async ({ state, cas, profiles }) => {
      const backwards = profiles.map((profile) => Object.fromEntries(Object.entries(profile).reverse()));
      const other = { ...state, cas, profiles: backwards as Snapshot['profiles'] };
      expect(hex(await createKeptDigest().of(other))).toBe(hex(stateDigest(state)));
    }),
  );
});

it('differs as soon as anything in the state does', () => {
  fc.assert(
    fc.property(arbitrarySnapshot, arbitrarySnapshot, (one, other) => {
      const same = canonicalJson(inOrder(one)) === canonicalJson(inOrder(other));
      expect(hex(stateDigest(one)) === hex(stateDigest(other))).toBe(same);
    }),
  );
  fc.assert(
    fc.property(arbitrarySnapshot, fc.constantFrom('disabled', 'active'), (state, to) => {
      const [ca, ...others] = state.cas;
      fc.pre(ca !== undefined && ca.state !== to);
      const changed = { ...state, cas: [{ ...ca, state: to }, ...others] } as Snapshot;
      expect(hex(stateDigest(changed))).not.toBe(hex(stateDigest(state)));
    }),
  );
});

it('the order of blocked keys is part of the state', () => {
  const keys = (...fills: number[]) => Buffer.concat(fills.map((fill) => Buffer.alloc(32, fill))).toString('base64');
  const of = (blockedKeys: string) => hex(stateDigest({ ...nothing, epoch: '1', blockedKeys }));
  expect(of(keys(1, 2))).not.toBe(of(keys(2, 1)));
});

it('changes one after the other, or all at once from the start, give the same state', () => {
  fc.assert(
    fc.property(arbitrarySnapshot, fc.array(arbitraryEntities, { maxLength: 4 }), (start, steps) => {
      const stepwise = steps.reduce<Snapshot>(
        (state, changed) => withChange(state, { epoch: String(BigInt(state.epoch) + 1n), changed }),
        start,
      );
      const last = { epoch: stepwise.epoch, changed: steps.reduce<Entities>(merged, nothing) };
      expect(hex(stateDigest(withChange(start, last)))).toBe(hex(stateDigest(stepwise)));
    }),
  );
});

/** How often an account's members were read: once each time it is hashed. */
let reads = 0;
const countedAccount = (name: string): Entities['accounts'][number] => ({
  name,
  profiles: [],
  apiKeyHashes: [],
  get state() {
    reads += 1;
    return 'enabled' as const;
  },
});

describe('kept', () => {
  beforeEach(() => {
    reads = 0;
  });

  it('is that of each state, whatever came before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrarySnapshot), fc.array(arbitraryEntities), async (states, changes) => {
        const kept = createKeptDigest();
        let last: Snapshot = { ...nothing, epoch: '0' };
        for (const state of states) {
          last = state;
          expect(hex(await kept.of(state))).toBe(hex(stateDigest(state)));
        }
        for (const changed of changes) {
          last = withChange(last, { epoch: last.epoch, changed });
          expect(hex(await kept.of(last))).toBe(hex(stateDigest(last)));
        }
      }),
    );
  });

  it('costs what changed, and a twelfth', async () => {
    const accounts = Array.from({ length: 1200 }, (_, index) => countedAccount(`account-${index}`));
    const kept = createKeptDigest();
    let state: Snapshot = { ...nothing, epoch: '1', accounts };
    await kept.of(state);
    expect(reads).toBe(1200);
    state = withChange(state, { epoch: '2', changed: { ...nothing, accounts: [countedAccount('account-7')] } });
    await kept.of(state);
    expect(reads).toBeLessThanOrEqual(1200 + 100 + 1);
  });

  it('hashes no more than 32 entities before other work has its turn', async () => {
    const accounts = Array.from({ length: 1200 }, (_, index) => countedAccount(`account-${index}`));
    let most = 0;
    let before = 0;
    let done = false;
    const otherWork = (): void => {
      most = Math.max(most, reads - before);
      before = reads;
      if (!done) setImmediate(otherWork);
    };
    otherWork();
    await createKeptDigest().of({ ...nothing, epoch: '1', accounts });
    done = true;
    otherWork();
    expect(most).toBeLessThanOrEqual(32);
  });

  it('finds by its twelfth time what has changed in what is held', async () => {
    const accounts = Array.from({ length: 20 }, (_, index) => ({ ...countedAccount(`account-${index}`) }));
    const state: Snapshot = { ...nothing, epoch: '1', accounts };
    const kept = createKeptDigest();
    const said = hex(await kept.of(state));
    const [held] = accounts.slice(5);
    if (held) held.profiles = ['flipped'];
    const found: string[] = [];
    for (let time = 0; time < 12; time++) found.push(hex(await kept.of(state)));
    expect(found.at(-1)).toBe(hex(stateDigest(state)));
    expect(found.at(-1)).not.toBe(said);
  });
});

function merged(before: Entities, after: Entities): Entities {
  const { epoch: _, ...entities } = withChange({ ...before, epoch: '0' }, { epoch: '0', changed: after });
  return entities;
}

function inOrder(state: Snapshot): object {
  const byName = <T extends { name: string }>(entities: readonly T[]) =>
    entities.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return { ...state, cas: byName(state.cas), profiles: byName(state.profiles), accounts: byName(state.accounts) };
}
