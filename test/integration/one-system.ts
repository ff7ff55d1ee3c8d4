import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect } from 'vitest';

/** That of all tests of one-system.test.ts: to start one for each file of them takes longer than what they do with it. */
export let system: System;

export const signaturesPerSecond = 100;

beforeAll(async () => {
  system = await startSystem({ frontEnds: 2, signaturesPerSecond });
});
afterAll(async () => {
  // SIGTERM drains: every process ends by itself with code 0.
  if (system) expect(await system.stop()).toEqual([]);
});
