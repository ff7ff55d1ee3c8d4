import { createHash, type KeyObject } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { decodeJwt, errors as joseErrors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { ReplayGuard } from './replay-guard.js';

/** Whom every token here is for; a token made for anything else is refused. */
export const tokenAudience = 'issuer-registry';
/** Seconds a token lives. */
export const tokenLifeS = 30;
/** Seconds two clocks may differ. */
export const clockSkewS = 5;

/** What a token is bound to besides its bearer: another call cannot be made with it. */
interface BoundCall {
  readonly method: string;
  /** The request target as sent, with its query: `/admin/v1/cas`. */
  readonly path: string;
  /** The bytes of the body as sent; empty for a call without one. */
  readonly body: Uint8Array;
}

export interface SignTokenOptions extends BoundCall {
  /** Ed25519. */
  readonly privateKey: KeyObject;
  /** Operator or subscriber, as registered. */
  readonly name: string;
  readonly now: Date;
  /** Unique per call: a UUID. */
  readonly jti: string;
}

export interface VerifyTokenOptions extends BoundCall {
  /** The whole `Authorization` header. */
  readonly authorization: string | undefined;
  /** The Ed25519 public key registered under that name, or undefined. */
  readonly publicKeyOf: (name: string) => Promise<KeyObject | undefined>;
  readonly now: Date;
  /** Given for calls that change something: each token works once. */
  readonly replayGuard?: ReplayGuard | undefined;
}

const claimsSchema = z.object({
  sub: z.string().min(1).max(128),
  iat: z.int(),
  exp: z.int(),
  jti: z.string().min(8).max(64),
  htm: z.string(),
  htu: z.string(),
  bh: z.string(),
});

function bodyHash(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url');
}

/** A compact JWS (EdDSA, RFC 8037) for one call. Sent as `Authorization: Bearer <token>`. */
export async function signToken(options: SignTokenOptions): Promise<string> {
  const issuedAtS = Math.floor(options.now.getTime() / 1000);
  return await new SignJWT({
    htm: options.method.toUpperCase(),
    htu: options.path,
    bh: bodyHash(options.body),
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' })
    .setSubject(options.name)
    .setAudience(tokenAudience)
    .setIssuedAt(issuedAtS)
    .setExpirationTime(issuedAtS + tokenLifeS)
    .setJti(options.jti)
    .sign(options.privateKey);
}

function refused(why: string, cause?: unknown): SluiceError {
  return new SluiceError('unauthorized', `The token was refused: ${why}`, {
    cause,
    facts: {
      what_to_do: 'Sign the call with the key registered under this name, and check that the clock is right.',
    },
  });
}

function bearerToken(authorization: string | undefined): string {
  const match = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/.exec(authorization ?? '');
  if (match?.[1] === undefined) throw refused('no bearer token was sent');
  return match[1];
}

/** The name a token claims, unproved: only to find the key that proves it. */
function claimedName(token: string): string {
  try {
    const { sub } = decodeJwt(token);
    if (sub !== undefined && sub !== '') return sub;
  } catch (error) {
    throw refused('it is not a JWT', error);
  }
  throw refused('it names nobody');
}

async function verifiedClaims(token: string, key: KeyObject, now: Date): Promise<z.infer<typeof claimsSchema>> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['EdDSA'],
      audience: tokenAudience,
      clockTolerance: clockSkewS,
      currentDate: now,
      requiredClaims: ['sub', 'iat', 'exp', 'jti'],
    });
    return claimsSchema.parse(payload);
  } catch (error) {
    if (error instanceof joseErrors.JWTExpired) throw refused('it has expired', error);
    if (error instanceof joseErrors.JWSSignatureVerificationFailed) throw refused('its signature is wrong', error);
    throw refused('its claims are wrong', error);
  }
}

/**
 * Who makes this call: the name whose registered key signed exactly this method, path and body within the last 30 s
 * (± 5 s between clocks). Throws `unauthorized`, or `unavailable` when the replay memory is full.
 */
export async function verifyToken(options: VerifyTokenOptions): Promise<string> {
  const token = bearerToken(options.authorization);
  const name = claimedName(token);
  const key = await options.publicKeyOf(name);
  // The same words as for a wrong signature: a stranger does not learn which names exist.
  if (key === undefined) throw refused('its signature is wrong');
  const claims = await verifiedClaims(token, key, options.now);
  const nowS = options.now.getTime() / 1000;
  if (claims.iat > nowS + clockSkewS) throw refused('it is from the future');
  if (claims.exp - claims.iat > tokenLifeS) throw refused(`it lives longer than ${tokenLifeS} s`);
  if (claims.htm !== options.method.toUpperCase() || claims.htu !== options.path) {
    throw refused('it was made for another call');
  }
  if (claims.bh !== bodyHash(options.body)) throw refused('it was made for another body');
  // Under the name, so that nobody can use up another's token ids.
  if (options.replayGuard?.accept(`${name} ${claims.jti}`, claims.exp + clockSkewS, nowS) === false) {
    throw refused('it was used before');
  }
  return name;
}
