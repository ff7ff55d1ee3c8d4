import { afterAll, beforeAll, expect } from 'vitest';
import { type DeadCas, startDeadCas } from './dead-cas.js';

export const deadCount = 10;
/** That of all tests of one-incident.test.ts. */
export let cas: DeadCas;

beforeAll(async () => {
  cas = await startDeadCas(deadCount, { signaturesPerSecond: 60 });
});
afterAll(async () => {
  if (cas) expect(await cas.system.stop()).toEqual([]);
});
