import { generateKeyPairSync, hash } from 'node:crypto';
import { describe, expect } from 'vitest';
import { it, oneSecond, onlyId } from './testing/front-test.js';
import { newKeyPair, orderByKey } from './testing/order-by-key.js';
import { apiKey, newKey, otherApiKey, type StartedFront, startFront } from './testing/start-front.js';

/** Posts, lets the first look come, and tells what an answer says of faults. */
async function answered(front: StartedFront, order: object) {
  const answer = await front.post(order, { prefer: 'respond-async' });
  const { code, pointer } = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, code, pointer };
}

const wrongProof = { status: 422, code: 'proof-invalid', pointer: '/proof/signature' };
const wrongNonce = { status: 422, code: 'nonce-invalid', pointer: '/proof/nonce' };

describe('an order with a public key', () => {
  it('is accepted with a proof over a nonce, which is kept', async ({ front, ledger }) => {
    const order = await orderByKey(front);
    expect(await answered(front, order)).toMatchObject({ status: 202 });
    expect(ledger.stored.get(onlyId(ledger))?.row.evidence).toEqual({ proof: order.proof });
  });

  it('is the same order with another proof by that key, while it is open', async ({ front, ledger }) => {
    const keys = newKeyPair();
    expect(await answered(front, await orderByKey(front, { keys }))).toMatchObject({ status: 202 });
    expect(await answered(front, await orderByKey(front, { keys }))).toMatchObject({ status: 202 });
    expect(ledger.stored.size).toBe(1);
  });

  it('asked again under its key joins with a new proof, or with one that has expired meanwhile', async ({
    front,
    ledger,
  }) => {
    const [keys, headers] = [newKeyPair(), { 'idempotency-key': newKey(), prefer: 'respond-async' }];
    const first = await orderByKey(front, { keys });
    expect((await front.post(first, headers)).status).toBe(202);
    expect((await front.post(await orderByKey(front, { keys }), headers)).status).toBe(202);
    await front.clock.advance(300_001);
    expect((await front.post(first, headers)).status).toBe(202);
    expect(ledger.stored.size).toBe(1);
    const other = await orderByKey(front);
    expect(await (await front.post(other, headers)).json()).toMatchObject({ code: 'payload-mismatch' });
  });

  it('can be sent again as it is: it orders what its sender ordered before', async ({ front, ledger }) => {
    const order = await orderByKey(front);
    await answered(front, order);
    ledger.issue(onlyId(ledger));
    expect(await answered(front, order)).toMatchObject({ status: 202 });
    const contents = [...ledger.stored.values()].map(({ row }) => `${row.account} ${row.profile} ${row.content}`);
    expect(contents).toHaveLength(2);
    expect(new Set(contents).size).toBe(1);
  });
});

describe('a proof is refused', () => {
  it.for([
    ['by another key', { signer: newKeyPair() }],
    ['over another account', { signed: { account: 'other' } }],
    ['over another profile', { signed: { profile: 'every-rule' } }],
    ['over another nonce', { signed: { nonce: 'x' } }],
  ] as const)('%s', async ([, options], { front, ledger }) => {
    expect(await answered(front, await orderByKey(front, options))).toEqual(wrongProof);
    expect(ledger.stored.size).toBe(0);
  });

  it("with another account's nonce", async ({ front }) => {
    expect(await answered(front, await orderByKey(front, { apiKey: otherApiKey }))).toEqual(wrongNonce);
  });

  it('with a nonce that was changed, or made up', async ({ front }) => {
    const order = await orderByKey(front);
    for (const nonce of [`A${order.proof.nonce.slice(1)}B`, 'x', order.proof.nonce.toUpperCase()]) {
      expect(await answered(front, { ...order, proof: { ...order.proof, nonce } })).toEqual(wrongNonce);
    }
  });

  it('over another public key than it comes with', async ({ front }) => {
    const { public_key } = await orderByKey(front);
    expect(await answered(front, { ...(await orderByKey(front)), public_key })).toEqual(wrongProof);
  });

  it('when its nonce has expired, and not a millisecond before', async ({ front }) => {
    const order = await orderByKey(front);
    await front.clock.advance(300_000);
    expect(await answered(front, order)).toMatchObject({ status: 202 });
    await front.clock.advance(1);
    expect(await answered(front, order)).toEqual(wrongNonce);
  });
});

it('says of a key that the profile does not take where it stands, with what else is wrong', async ({ front }) => {
  const public_key = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
  const order = { ...(await orderByKey(front)), public_key, subject_dn: {} };
  const said = (await (await front.post(order, oneSecond)).json()) as { findings: { pointer: string }[] };
  expect(said.findings.map(({ pointer }) => pointer)).toEqual(['/public_key', '/subject_dn/common_name']);
});

it('with a key that is blocked is refused, and its place told', async () => {
  const keys = newKeyPair();
  const blockedKeys = [hash('sha256', keys.publicKey.export({ type: 'spki', format: 'der' }), 'hex')];
  const front = await startFront({ blockedKeys });
  const said = { status: 409, code: 'key-blocked', pointer: '/public_key' };
  expect(await answered(front, await orderByKey(front, { keys }))).toEqual(said);
  await front.server.stop(100);
});

describe('POST /nonce', () => {
  it('is for this account, lasts 5 minutes and is never the same', async ({ front }) => {
    const take = async () =>
      (await (
        await front.fetch('/nonce', { method: 'POST', headers: { authorization: `Bearer ${apiKey}` } })
      ).json()) as {
        nonce: string;
      };
    const [first, second] = [await take(), await take()];
    expect(first).toMatchObject({
      account: 'demo',
      expires_at: new Date(front.clock.epochMs() + 300_000).toISOString(),
    });
    expect(first.nonce).not.toBe(second.nonce);
  });
});
