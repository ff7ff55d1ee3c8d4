import { describe, expect, it } from 'vitest';
import { decodeIds, encodeIds } from './bell-message.js';

describe('bell message', () => {
  it('carries ids there and back, UUIDs in 22 characters', () => {
    const ids = ['018f6d2e-7a3b-7c4d-8e5f-0123456789ab', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'not-a-uuid'];
    const message = encodeIds(ids);
    expect(message.length).toBe(22 + 1 + 22 + 1 + 11);
    expect(decodeIds(message)).toEqual(ids);
  });

  it('leaves out what it cannot read', () => {
    expect(decodeIds('')).toEqual([]);
    expect(decodeIds('short,{"a":1},=kept')).toEqual(['kept']);
  });
});
