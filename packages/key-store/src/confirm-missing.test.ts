import { SluiceError } from '@sluice/errors';
import { expect, it } from 'vitest';
import { confirmMissing, createMissingCheck, type TokenSession } from './confirm-missing.js';
import type { KeyPresence } from './types.js';

/** What one session meets: whether the control object opens before and after, and which key is there. */
interface Look {
  readonly opens?: Error;
  readonly before?: Error;
  readonly holds: 'the key' | 'another' | undefined | Error;
  readonly after?: Error;
}

const absent: Look = { holds: undefined };
const present: Look = { holds: 'the key' };
const another: Look = { holds: 'another' };

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
      async publicKey() {
        if (look.holds instanceof Error) throw look.holds;
        return look.holds === undefined ? undefined : Buffer.from(look.holds);
      },
      async close() {
        seen.closed += 1;
      },
    };
  };
  return { openSession, seen };
}

const spki = Buffer.from('the key');
const root = { label: 'root', spki };
const away = new SluiceError('token-failed', 'away');

it.each<[string, Look[], KeyPresence, number]>([
  ['not found twice', [absent, absent], 'missing', 2],
  ['found at once', [present], 'there', 1],
  ['found the second time', [absent, present], 'there', 2],
  ['another found twice', [another, another], 'replaced', 2],
  ['another, and then the right one', [another, present], 'there', 2],
])('%s', async (_what, script, presence, sessions) => {
  const { openSession, seen } = token(...script);
  expect(await confirmMissing(openSession, [root])).toEqual([presence]);
  expect(seen).toEqual({ opened: sessions, closed: sessions });
});

it.each<[string, Look[]]>([
  ['the control object does not open', [{ before: away, holds: undefined }]],
  ['the control object is gone after the look', [{ holds: undefined, after: away }]],
  ['the control object is gone after another was seen', [{ holds: 'another', after: away }]],
  ['another key once, none the second time', [another, absent]],
  ['the look fails', [{ holds: away }]],
  ['the second look fails', [absent, { holds: away }]],
  ['the control object is gone at the second look', [absent, { before: away, holds: undefined }]],
  ['the control object is what is called missing', [{ before: new SluiceError('key-missing'), holds: undefined }]],
  ['a stranger is thrown', [absent, { holds: new TypeError('x') }]],
  ['no second session opens', [absent, { opens: away, holds: undefined }]],
])('%s: token-failed, never missing, and no session stays open', async (_what, script) => {
  const { openSession, seen } = token(...script);
  await expect(confirmMissing(openSession, [root])).rejects.toMatchObject({ code: 'token-failed' });
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
      publicKey: async (label) => (label === 'here' ? spki : undefined),
      close: async () => undefined,
    };
  });
  const dead = Array.from({ length: 50 }, (_, index) => `dead-${index}`);
  const missing = await Promise.all([...dead, 'here'].map((label) => check(label, spki)));
  expect(missing).toEqual([...dead.map(() => 'missing'), 'there']);
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
    publicKey: async () => (holds.shift() === 'yes' ? spki : undefined),
    close: async () => undefined,
  }));
  const first = check('root', spki);
  await begun;
  const second = check('root', spki);
  letGo();
  expect([await first, await second]).toEqual(['there', 'missing']);
});

it('a doubt is told to those who shared it, and the next confirmation begins anew', async () => {
  const { openSession } = token({ before: away, holds: undefined }, absent, absent);
  const check = createMissingCheck(openSession);
  const both = await Promise.allSettled([check('a', spki), check('b', spki)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await check('a', spki)).toBe('missing');
});
