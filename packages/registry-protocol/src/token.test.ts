import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createReplayGuard } from './replay-guard.js';
import { type SignTokenOptions, signToken, type VerifyTokenOptions, verifyToken } from './token.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const now = new Date('2026-11-21T10:00:00Z');
const later = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
const call = { method: 'POST', path: '/admin/v1/cas', body: Buffer.from('{"name":"a"}') };

async function sign(options: Partial<SignTokenOptions> = {}): Promise<string> {
  const token = await signToken({ ...call, privateKey, name: 'alice', now, jti: 'a-token-of-alice', ...options });
  return `Bearer ${token}`;
}

async function verify(authorization: string | undefined, options: Partial<VerifyTokenOptions> = {}): Promise<string> {
  const publicKeyOf = async (name: string): Promise<KeyObject | undefined> =>
    name === 'alice' ? publicKey : undefined;
  return await verifyToken({ ...call, authorization, publicKeyOf, now, ...options });
}

async function refusal(verdict: Promise<string>): Promise<string> {
  const error = await verdict.then(
    (name) => expect.fail(`accepted ${name}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SluiceError);
  expect((error as SluiceError).code).toBe('unauthorized');
  return (error as SluiceError).message;
}

describe('a token', () => {
  it('names its bearer for the very call it was made for', async () => {
    expect(await verify(await sign())).toBe('alice');
    expect(await verify(await sign({ method: 'get' }), { method: 'GET' })).toBe('alice');
  });

  it.each([
    ['another method', { method: 'DELETE' }, 'another call'],
    ['another path', { path: '/admin/v1/profiles' }, 'another call'],
    ['another query', { path: '/admin/v1/cas?x=1' }, 'another call'],
    ['another body', { body: Buffer.from('{"name":"b"}') }, 'another body'],
    ['no body', { body: Buffer.alloc(0) }, 'another body'],
    ['31 s + 5 s later', { now: later(36) }, 'expired'],
    ['a verifier 6 s behind', { now: later(-6) }, 'future'],
  ])('is refused for %s', async (_, options, why) => {
    expect(await refusal(verify(await sign(), options))).toContain(why);
  });

  it('is accepted while clocks differ by 5 s', async () => {
    expect(await verify(await sign(), { now: later(34) })).toBe('alice');
    expect(await verify(await sign(), { now: later(-5) })).toBe('alice');
  });

  it('of an unknown name is refused in the words of a wrong signature', async () => {
    const unknown = await refusal(verify(await sign({ name: 'mallory' })));
    expect(await refusal(verify(await sign({ privateKey: stranger.privateKey })))).toBe(unknown);
  });

  it.each([undefined, '', 'Bearer', 'Bearer slk_abc', 'Basic YTpi', 'Bearer a.b.c', 'Bearer e30.e30.'])(
    'is not %s',
    async (authorization) => {
      await refusal(verify(authorization));
    },
  );

  it('is refused without signature, with a MAC under the public key, for another audience or a long life', async () => {
    const payload = { sub: 'alice', htm: 'POST', htu: call.path, bh: 'x', jti: 'another-token-id' };
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    await refusal(verify(`Bearer ${encode({ alg: 'none' })}.${encode(payload)}.AA`));
    const secret = publicKey.export({ type: 'spki', format: 'der' });
    const nowS = now.getTime() / 1000;
    const jwt = (alg: string): SignJWT => new SignJWT(payload).setProtectedHeader({ alg }).setIssuedAt(nowS);
    const mac = await jwt('HS256')
      .setAudience('issuer-registry')
      .setExpirationTime(nowS + 30)
      .sign(secret);
    await refusal(verify(`Bearer ${mac}`));
    const elsewhere = await jwt('EdDSA')
      .setAudience('elsewhere')
      .setExpirationTime(nowS + 30)
      .sign(privateKey);
    await refusal(verify(`Bearer ${elsewhere}`));
    const long = await jwt('EdDSA')
      .setAudience('issuer-registry')
      .setExpirationTime(nowS + 300)
      .sign(privateKey);
    expect(await refusal(verify(`Bearer ${long}`))).toContain('longer than 30 s');
  });

  it('changes something once', async () => {
    const replayGuard = createReplayGuard({ idsMax: 10 });
    const authorization = await sign();
    expect(await verify(authorization, { replayGuard })).toBe('alice');
    expect(await refusal(verify(authorization, { replayGuard }))).toContain('used before');
    expect(await verify(await sign({ jti: 'a-second-token' }), { replayGuard })).toBe('alice');
  });

  it('is not used up by a call that is refused', async () => {
    const replayGuard = createReplayGuard({ idsMax: 10 });
    const authorization = await sign();
    await refusal(verify(authorization, { replayGuard, body: Buffer.alloc(0) }));
    expect(await verify(authorization, { replayGuard })).toBe('alice');
  });
});

describe('the replay memory', () => {
  it('forgets what has expired and refuses when it is full of what has not', () => {
    const guard = createReplayGuard({ idsMax: 2 });
    expect(guard.accept('a', 10, 0)).toBe(true);
    expect(guard.accept('b', 20, 0)).toBe(true);
    expect(() => guard.accept('c', 20, 0)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(guard.accept('b', 20, 0)).toBe(false);
    expect(guard.accept('c', 30, 11)).toBe(true);
    expect(guard.accept('b', 30, 11)).toBe(false);
  });
});
