import { caStates } from '@sluice/issuance';
import fc from 'fast-check';
import type { Entities, Snapshot } from '../snapshot.js';

export const nothing: Entities = { cas: [], profiles: [], accounts: [], blockedKeys: '' };

const name = fc.constantFrom('a', 'b', 'b-1', 'ca2', 'z');
const base64 = fc.uint8Array({ minLength: 1, maxLength: 4 }).map((octets) => Buffer.from(octets).toString('base64'));
const state = fc.constantFrom('enabled', 'disabled');
const unique = { maxLength: 4, selector: (entity: { name: string }) => entity.name };

/** Few names, so that changes meet what is there. */
export const arbitraryEntities: fc.Arbitrary<Entities> = fc.record({
  cas: fc.uniqueArray(
    fc.record({
      name,
      keyGroup: name,
      state: fc.constantFrom(...caStates),
      quarantined: fc.boolean(),
      quarantinedTokens: fc.array(name, { maxLength: 2 }),
      keyAlgorithm: fc.constant('ec-p256'),
      subjectDer: base64,
      spki: fc.option(base64),
      certificate: fc.option(base64),
      issuer: name,
      certificateProfile: name,
    }),
    unique,
  ),
  profiles: fc.uniqueArray(
    fc.record({
      name,
      ca: name,
      state,
      revision: fc.nat(),
      // Zod drops that key, which no profile document has.
      document: fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.oneof(fc.string(), fc.integer(), fc.boolean()),
        {
          noNullPrototype: true,
        },
      ),
    }),
    unique,
  ),
  accounts: fc.uniqueArray(
    fc.record(
      {
        name,
        state,
        profiles: fc.array(name, { maxLength: 3 }),
        apiKeyHashes: fc.array(fc.constantFrom('0'.repeat(64), 'a'.repeat(64)), { maxLength: 2 }),
        limits: fc.record(
          { burst: fc.integer({ min: 1, max: 9 }), ordersPerDay: fc.constant(7) },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['name', 'state', 'profiles', 'apiKeyHashes'] },
    ),
    unique,
  ),
  blockedKeys: fc
    .array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 3 })
    .map((keys) => Buffer.concat(keys).toString('base64')),
});

export const arbitrarySnapshot: fc.Arbitrary<Snapshot> = fc
  .tuple(arbitraryEntities, fc.nat())
  .map(([entities, epoch]) => ({ ...entities, epoch: String(epoch) }));
