import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Frame, frameLine, readFrame, readFrameInSlices } from './frames.js';
import type { Snapshot } from './snapshot.js';
import { stateDigest } from './state-digest.js';
import { arbitraryEntities, arbitrarySnapshot } from './testing/arbitrary-state.js';

const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((octets) => Buffer.from(octets).toString('base64url'));
const epoch = fc.nat().map(String);
const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('snapshot' as const), digest, state: arbitrarySnapshot }),
  fc.record({ type: fc.constant('change' as const), from: epoch, epoch, digest, changed: arbitraryEntities }),
  fc.record({ type: fc.constant('heartbeat' as const), epoch, digest }),
);

it('a frame is one line and is read back as it was', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const line = frameLine(frame);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(readFrame(line)).toEqual(frame);
    }),
  );
});

it('a large state is read beside other work', async () => {
  const account = { state: 'enabled' as const, profiles: [], apiKeyHashes: ['0'.repeat(64)] };
  const accounts = Array.from({ length: 2000 }, (_, index) => ({ ...account, name: `account-${index}` }));
  const state = { epoch: '1', cas: [], profiles: [], accounts, blockedKeys: '' };
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  const read = await readFrameInSlices(frameLine({ type: 'snapshot', digest: 'A'.repeat(43), state }));
  clearImmediate(next);
  expect(read).toMatchObject({ state });
  // Of 256 accounts each, besides its JSON and what is not an account.
  expect(turns).toBeGreaterThanOrEqual(2000 / 256);
  const other = { ...state, accounts: [...accounts, { ...account, name: 1 }] };
  await expect(
    readFrameInSlices(JSON.stringify({ type: 'snapshot', digest: 'A'.repeat(43), state: other })),
  ).rejects.toThrow();
});

it('one octet of a snapshot changed on the way: no frame any more, or another digest than the one it brings', () => {
  fc.assert(
    fc.property(arbitrarySnapshot, fc.nat(), fc.integer({ min: 1, max: 255 }), (state, at, flip) => {
      const said = Buffer.from(stateDigest(state)).toString('base64url');
      const line = Buffer.from(frameLine({ type: 'snapshot', digest: said, state }));
      const index = at % (line.length - 1);
      line[index] = (line[index] ?? 0) ^ flip;
      const read = readWhole(line.toString());
      // What is still whole is the very same state, in other words perhaps.
      if (read.whole) expect(sameOctets(read.state)).toEqual(sameOctets(state));
    }),
  );
});

/** Base64 has more than one text for some octets. */
function sameOctets(state: Snapshot | undefined): unknown {
  const blockedKeys = Buffer.from(state?.blockedKeys ?? '', 'base64').toString('hex');
  return JSON.parse(JSON.stringify({ ...state, blockedKeys }));
}

function readWhole(text: string): { whole: boolean; state?: Snapshot } {
  try {
    const frame = readFrame(text);
    if (frame.type !== 'snapshot') return { whole: false };
    const whole = Buffer.from(stateDigest(frame.state)).toString('base64url') === frame.digest;
    return { whole, state: frame.state };
  } catch {
    return { whole: false };
  }
}
