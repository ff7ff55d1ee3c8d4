import { SluiceError } from '@sluice/errors';
import { expect, it } from 'vitest';
import type { AdminClient } from './admin-client.js';
import { makeTestHierarchy } from './test-hierarchy.js';

/** A registry in memory that makes its CAs at once, and fails each first call of a path with `refusal`. */
function flaky(refusal: SluiceError) {
  const names: string[] = [];
  const failed = new Set<string>();
  const admin: AdminClient = {
    call: async <T>(method: string, path: string, body?: unknown) => {
      if (!failed.has(method + path)) {
        failed.add(method + path);
        throw refusal;
      }
      if (method === 'GET') return { epoch: '1', cas: names.map((name) => ({ name, state: 'active' })) } as T;
      if (path.endsWith('/cas')) names.push((body as { name: string }).name);
      return { api_key: `key-${failed.size}` } as T;
    },
  };
  return { admin, names };
}

it('is made also where a call is answered that nothing was done', async () => {
  const { admin, names } = flaky(new SluiceError('unavailable'));
  await makeTestHierarchy(admin);
  expect(names).toEqual(['root', 'ca-p256', 'ca-rsa']);
});

it('asks nothing again whose end is not known', async () => {
  const { admin } = flaky(new SluiceError('outcome-unknown'));
  await expect(makeTestHierarchy(admin)).rejects.toMatchObject({ code: 'outcome-unknown' });
});
