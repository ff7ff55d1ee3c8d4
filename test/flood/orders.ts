import { randomUUID } from 'node:crypto';
import { makeCsr, type PostOptions, testProfiles } from '@sluice/testkit';

/** Made once and used in turn: what the generator spends on them must not be what is measured. */
const keyCount = 100;
let csrs: readonly string[] | undefined;
let made = 0;

/** An order unlike any other: its own name and Idempotency-Key (none with `key: undefined`), a key of a small pool. */
export function nextOrder(how: Partial<PostOptions> = {}): PostOptions {
  csrs ??= Array.from({ length: keyCount }, (_, index) => makeCsr('ec-p256', `key-${index}.example`).pem);
  made += 1;
  return {
    profile: testProfiles.p256,
    subjectDn: { common_name: `order-${made}.example` },
    csr: csrs[made % keyCount] ?? '',
    key: randomUUID(),
    ...how,
  };
}
