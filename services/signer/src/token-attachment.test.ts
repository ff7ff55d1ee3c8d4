import { randomBytes } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { createLogger } from '@sluice/telemetry';
import { beforeEach, expect, it } from 'vitest';
import { hex } from './hex.js';
import { PolicingLedger } from './testing/policing-ledger.js';
import { PolicedKeyStore } from './testing/test-signer.js';
import { createTokenAttachment, type TokenAttachment } from './token-attachment.js';

const caller = { name: 'signer-1', incarnation: 1n };
let ledger: PolicingLedger;
let keyStore: PolicedKeyStore;
let attachment: TokenAttachment;

beforeEach(() => {
  const clock = { monotonicMs: () => 0 };
  ledger = new PolicingLedger(clock.monotonicMs);
  keyStore = new PolicedKeyStore(ledger);
  const log = createLogger({ service: 'signer', name: 'signer-1', level: 'silent' });
  attachment = createTokenAttachment({ keyStore, keyGroup: 'default', ledger, log, clock });
});

it('is not had before the ledger was told', async () => {
  expect(attachment.fault()?.code).toBe('token-failed');
  await attachment.retry();
  expect(ledger.calls).toEqual([]);
});

it('makes an empty place a token when nobody knows one of that name, and tells which it is', async () => {
  await attachment.attach(caller);
  expect(attachment.fault()).toBeUndefined();
  expect(ledger.tokens.get('memory')).toBe(hex(keyStore.control ?? new Uint8Array()));
});

it('leaves an empty place alone when the token is known, until it is there', async () => {
  const identity = randomBytes(32);
  ledger.tokens.set('memory', hex(identity));
  await attachment.attach(caller);
  await attachment.retry();
  expect([keyStore.control, attachment.fault()?.code]).toEqual([undefined, 'conflict']);
  expect(attachment.fault()?.message).toMatch(/nothing lies where .* memory .*mount its volume/);
  keyStore.control = identity;
  await attachment.retry();
  expect(attachment.fault()).toBeUndefined();
});

it('is refused to another token under a known name, until its own is there', async () => {
  const identity = randomBytes(32);
  ledger.tokens.set('memory', hex(identity));
  keyStore.control = randomBytes(32);
  await attachment.attach(caller);
  expect([attachment.fault()?.code, attachment.fault()?.message]).toEqual([
    'conflict',
    expect.stringContaining('a name of its own'),
  ]);
  keyStore.control = identity;
  await attachment.retry();
  expect(attachment.fault()).toBeUndefined();
});

it('makes nothing when the ledger does not say whether it knows the token', async () => {
  ledger.fail('knowsToken', 'unavailable', false);
  await attachment.attach(caller);
  expect([keyStore.control, attachment.fault()?.code]).toEqual([undefined, 'unavailable']);
});

it('is had anew by each incarnation, told once, and again until it was taken', async () => {
  await attachment.attach(caller);
  await attachment.retry();
  ledger.fail('attachToken', 'outcome-unknown', true);
  await attachment.attach({ ...caller, incarnation: 2n });
  expect(attachment.fault()?.code).toBe('outcome-unknown');
  await attachment.retry();
  expect(attachment.fault()).toBeUndefined();
  expect(ledger.calls.filter(({ verb }) => verb === 'attachToken')).toHaveLength(3);
});

it('that an earlier incarnation was given is not the present one’s', async () => {
  let letGo: () => void = () => undefined;
  ledger.onCall = (verb) => (verb === 'attachToken' ? new Promise((resolve) => (letGo = resolve)) : Promise.resolve());
  const first = attachment.attach(caller);
  await expect.poll(() => ledger.calls.at(-1)?.verb).toBe('attachToken');
  ledger.onCall = () => {
    throw new SluiceError('unavailable');
  };
  await attachment.attach({ ...caller, incarnation: 2n });
  letGo();
  await first;
  expect(attachment.fault()?.code).toBe('unavailable');
});
