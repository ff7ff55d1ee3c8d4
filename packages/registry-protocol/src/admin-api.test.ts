import { describe, expect, it } from 'vitest';
import { createCaBodySchema } from './admin-api.js';
import { nameSchema } from './admin-fields.js';

const root = {
  name: 'demo-root',
  key_group: 'default',
  key_algorithm: 'ec-p256',
  subject_dn: { common_name: 'Demo Root' },
  issuer: null,
  self_profile: 'name: demo-root',
};
const { self_profile: _, ...rest } = root;
const issued = { ...rest, issuer: 'demo-root', profile: 'demo-issuing-ca' };

describe('the body that creates a CA', () => {
  it('is a root with its own profile or a CA under a named one, never half of each', () => {
    const fits = (body: unknown): boolean => createCaBodySchema.safeParse(body).success;
    expect([fits(root), fits(issued)]).toEqual([true, true]);
    expect(fits({ ...root, profile: 'p' })).toBe(false);
    expect(fits({ ...root, issuer: 'other' })).toBe(false);
    expect(fits({ ...issued, self_profile: 'name: x' })).toBe(false);
    expect(fits({ ...issued, issuer: null })).toBe(false);
    expect(fits({ ...root, colour: 'red' })).toBe(false);
    expect(fits({ ...root, subject_dn: { nickname: 'x' } })).toBe(false);
    expect(fits({ ...root, self_profile: 'a\u0000b' })).toBe(false);
  });
});

describe('a name', () => {
  it.each(['a', 'demo-root', 'r2', 'a'.repeat(63)])('may be %s', (name) => {
    expect(nameSchema.safeParse(name).success).toBe(true);
  });
  it.each(['', '-a', 'a-', 'A', 'a_b', '../a', 'a/b', 'a b', 'a'.repeat(64), 'a\n'])('may not be %j', (name) => {
    expect(nameSchema.safeParse(name).success).toBe(false);
  });
});
