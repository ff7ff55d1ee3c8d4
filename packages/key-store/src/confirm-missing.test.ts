import { SluiceError } from '@sluice/errors';
import { expect, it } from 'vitest';
import { confirmMissing, createMissingCheck, type TokenSession } from './confirm-missing.js';

/** What one session meets: whether the control object opens before and after, and whether the key is there. */
interface Look {
  readonly opens?: Error;
  readonly before?: Error;
  readonly holds: boolean | Error;
  readonly after?: Error;
}

const absent: Look = { holds: false };
const present: Look = { holds: true };

function token(...script: readonly Look[]) {
  const seen = { opened: 0, closed: 0 };
  const openSession = async (): Promise<TokenSession> => {
    const look = script[seen.opened] ?? absent;
    if (look.opens !== undefined) throw look.opens;
    seen.opened += 1;
    const controls = [look.before, look.after];
    return {
      async openControl() {
        const fault = controls.shift();
        if (fault !== undefined) throw fault;
      },
      async holds() {
        if (look.holds instanceof Error) throw look.holds;
        return look.holds;
      },
      async close() {
        seen.closed += 1;
      },
    };
  };
  return { openSession, seen };
}

const away = new SluiceError('token-failed', 'away');

it.each<[string, Look[], boolean, number]>([
  ['not found twice', [absent, absent], true, 2],
  ['found at once', [present], false, 1],
  ['found the second time', [absent, present], false, 2],
])('%s', async (_what, script, missing, sessions) => {
  const { openSession, seen } = token(...script);
  expect([...(await confirmMissing(openSession, ['root']))]).toEqual(missing ? ['root'] : []);
  expect(seen).toEqual({ opened: sessions, closed: sessions });
});

it.each<[string, Look[]]>([
  ['the control object does not open', [{ before: away, holds: false }]],
  ['the control object is gone after the look', [{ holds: false, after: away }]],
  ['the look fails', [{ holds: away }]],
  ['the second look fails', [absent, { holds: away }]],
  ['the control object is gone at the second look', [absent, { before: away, holds: false }]],
  ['the control object is what is called missing', [{ before: new SluiceError('key-missing'), holds: false }]],
  ['a stranger is thrown', [absent, { holds: new TypeError('x') }]],
  ['no second session opens', [absent, { opens: away, holds: false }]],
])('%s: token-failed, never missing, and no session stays open', async (_what, script) => {
  const { openSession, seen } = token(...script);
  await expect(confirmMissing(openSession, ['root'])).rejects.toMatchObject({ code: 'token-failed' });
  expect(seen.closed).toBe(seen.opened);
});

it('keys that go at once are confirmed together, by two sessions and four openings of the control object', async () => {
  const seen = { sessions: 0, controls: 0 };
  const check = createMissingCheck(async () => {
    seen.sessions += 1;
    return {
      openControl: async () => {
        seen.controls += 1;
      },
      holds: async (label) => label === 'here',
      close: async () => undefined,
    };
  });
  const dead = Array.from({ length: 50 }, (_, index) => `dead-${index}`);
  const missing = await Promise.all([...dead, 'here'].map((label) => check(label)));
  expect(missing).toEqual([...dead.map(() => true), false]);
  expect(seen).toEqual({ sessions: 2, controls: 4 });
});

it('a confirmation that runs is not joined: it may have looked before the key was asked for', async () => {
  const holds = ['yes', 'no', 'no'];
  let letGo = (): void => undefined;
  let began = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    began = resolve;
  });
  const check = createMissingCheck(async () => ({
    async openControl() {
      began();
      await gate;
    },
    holds: async () => holds.shift() === 'yes',
    close: async () => undefined,
  }));
  const first = check('root');
  await begun;
  const second = check('root');
  letGo();
  expect([await first, await second]).toEqual([false, true]);
});

it('a doubt is told to those who shared it, and the next confirmation begins anew', async () => {
  const { openSession } = token({ before: away, holds: false }, absent, absent);
  const check = createMissingCheck(openSession);
  const both = await Promise.allSettled([check('a'), check('b')]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await check('a')).toBe(true);
});
