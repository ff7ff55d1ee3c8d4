import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.js';
import { withChange } from './frames.js';
import type { Entities, Snapshot } from './snapshot.js';
import { stateDigest, stateDigestInSlices } from './state-digest.js';
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
      expect(hex(await stateDigestInSlices(other))).toBe(hex(stateDigest(state)));
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

function merged(before: Entities, after: Entities): Entities {
  const { epoch: _, ...entities } = withChange({ ...before, epoch: '0' }, { epoch: '0', changed: after });
  return entities;
}

function inOrder(state: Snapshot): object {
  const byName = <T extends { name: string }>(entities: readonly T[]) =>
    entities.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return { ...state, cas: byName(state.cas), profiles: byName(state.profiles), accounts: byName(state.accounts) };
}
