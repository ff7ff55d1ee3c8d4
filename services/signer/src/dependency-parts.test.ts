import { SluiceError } from '@sluice/errors';
import { expect, it, vi } from 'vitest';
import { keyStorePart } from './dependency-parts.js';

const answers = async (): Promise<undefined> => undefined;

function opening(identity: () => Promise<undefined>) {
  const said: unknown[] = [];
  const say = (facts: object) => void said.push((facts as { event: string }).event);
  const log = { info: say, warn: say, error: say };
  const keyStore = { token: 'memory', identity, close: async () => undefined };
  return { said, part: keyStorePart(keyStore, { log, monotonicMs: () => 0, waitMs: 20 }) };
}

it('a token that is held up at the start is asked again until it answers; that is said once', async () => {
  const silent = () => new Promise<never>(() => undefined);
  const identity = vi.fn(answers).mockImplementationOnce(silent).mockImplementationOnce(silent);
  const { said, part } = opening(identity);
  await part.start();
  expect(identity).toHaveBeenCalledTimes(3);
  expect(said).toEqual(['token-open-failed', 'token-open-again']);
});

it('a token that refuses ends the start at once', async () => {
  const identity = vi.fn(() => Promise.reject(new SluiceError('token-failed', 'wrong pass phrase')));
  const { said, part } = opening(identity);
  await expect(part.start()).rejects.toMatchObject({ code: 'token-failed', message: 'wrong pass phrase' });
  expect([identity.mock.calls.length, said]).toEqual([1, []]);
});
