import { expect, test } from 'vitest';
import type { FakeLedger } from './fake-ledger.js';
import { body, type StartedFront, startFront } from './start-front.js';

/** A front of its own for each test. Its clock stands still until the test says `pass`. */
export const it = test.extend<{ front: StartedFront; ledger: FakeLedger }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures that one needs from the pattern.
  front: async ({}, use) => {
    const front = await startFront();
    await use(front);
    await front.server.stop(100);
    expect(front.ledger.violations).toEqual([]);
  },
  ledger: async ({ front }, use) => use(front.ledger),
});

export const oneSecond = { prefer: 'wait=1' };

/** Posts, and lets the first look come, which is made at the next full tenth of a second. */
export async function looked(front: StartedFront, headers: Record<string, string> = {}): Promise<Response> {
  const asked = front.post(body, headers);
  await front.pass(300);
  return await asked;
}

/** Posts with a wait of one second, and lets it pass. */
export async function waited(
  front: StartedFront,
  passMs = 750,
  headers: Record<string, string> = {},
): Promise<Response> {
  const asked = front.post(body, { ...oneSecond, ...headers });
  await front.pass(passMs);
  return await asked;
}

export async function told(answer: Response) {
  const said = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, code: said.code, fate: said.fate };
}
export const onlyId = (ledger: FakeLedger) => [...ledger.stored.keys()][0] ?? '';
