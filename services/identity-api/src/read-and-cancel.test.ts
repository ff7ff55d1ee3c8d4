import { newRequestId } from '@sluice/ledger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiKey, body, otherApiKey, type StartedFront, startFront } from './testing/start-front.js';

let front: StartedFront;
beforeAll(async () => {
  front = await startFront();
});
afterAll(async () => {
  await front.server.stop(100);
  expect(front.ledger.violations).toEqual([]);
});

let ordered = 0;
async function order(): Promise<string> {
  ordered += 1;
  const sent = { ...body, subject_dn: { common_name: `unit ${ordered}` } };
  const said = (await (await front.post(sent, { prefer: 'respond-async' })).json()) as { id: string };
  return said.id;
}
const said = async (answer: Response) => ({
  status: answer.status,
  ...((await answer.json()) as Record<string, unknown>),
});

describe('GET /identity/{id}', () => {
  it.each(['queued', 'signing'] as const)(
    '%s: 200 with its state and no fate: reading promises nothing',
    async (state) => {
      const id = await order();
      front.ledger.become(id, { state });
      const answer = await front.get(id);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await said(answer)).toEqual({ status: 200, id, state });
    },
  );

  it('parked: 200, and it goes on', async () => {
    const id = await order();
    front.ledger.become(id, { state: 'parked' });
    const answer = await front.get(id);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await said(answer)).toEqual({ status: 200, id, state: 'parked', fate: 'continuing' });
  });

  it('issued: 200 with the body of the 201', async () => {
    const id = await order();
    front.ledger.issue(id);
    expect(await said(await front.get(id.toUpperCase()))).toMatchObject({ status: 200, id, serial: '0a0b' });
  });

  it.each([
    [{ state: 'rejected', code: 'ca-disabled', detail: '', withheld: false }, 409, 'ca-disabled', 'not-issued'],
    [{ state: 'rejected', code: 'ca-disabled', detail: '', withheld: true }, 409, 'ca-disabled', 'withheld'],
    [{ state: 'expired', withheld: false }, 503, 'not-issued', 'not-issued'],
    [{ state: 'expired', withheld: true }, 503, 'withheld', 'withheld'],
    [{ state: 'cancelled' }, 409, 'cancelled', 'cancelled'],
    [{ state: 'failed' }, 503, 'failed', 'continuing'],
  ] as const)('%j: %d %s', async (state, status, code, fate) => {
    const id = await order();
    front.ledger.become(id, state);
    expect(await said(await front.get(id))).toMatchObject({ status, code, fate, id, state: state.state });
  });

  it("another account's, an unknown and an impossible id; no key", async () => {
    const id = await order();
    expect(await said(await front.get(id, otherApiKey))).toMatchObject({ status: 404, code: 'not-found' });
    expect(await said(await front.get(newRequestId(Date.now())))).toMatchObject({ status: 404, code: 'not-found' });
    expect(await said(await front.get('7'))).toMatchObject({ status: 400, code: 'id-invalid' });
    expect(await said(await front.get(id, 'slk_no'))).toMatchObject({ status: 401, code: 'unauthorized' });
  });

  it('without the ledger: 503, fate unknown', async () => {
    const id = await order();
    front.ledger.trouble.read = 'unavailable';
    expect(await said(await front.get(id))).toMatchObject({ status: 503, code: 'unavailable', fate: 'unknown' });
    delete front.ledger.trouble.read;
  });
});

describe('DELETE /identity/{id}', () => {
  it.each(['queued', 'parked', 'failed'] as const)(
    'cancels what is %s; asked again it says the same',
    async (state) => {
      const id = await order();
      front.ledger.become(id, { state });
      const cancelled = { status: 200, id, state: 'cancelled', fate: 'cancelled' };
      expect(await said(await front.delete(id))).toEqual(cancelled);
      expect(await said(await front.delete(id))).toEqual(cancelled);
      expect(await said(await front.get(id))).toMatchObject({ status: 409, code: 'cancelled' });
    },
  );

  it.each(['signing', 'issued', 'expired'] as const)('what is %s is not cancellable', async (state) => {
    const id = await order();
    if (state === 'issued') front.ledger.issue(id);
    else if (state === 'expired') front.ledger.become(id, { state, withheld: false });
    else front.ledger.become(id, { state });
    expect(await said(await front.delete(id))).toMatchObject({ status: 409, code: 'not-cancellable', state });
  });

  it("leaves another account's alone", async () => {
    const id = await order();
    expect(await said(await front.delete(id, otherApiKey))).toMatchObject({ status: 404, code: 'not-found' });
    expect(await said(await front.get(id, apiKey))).toMatchObject({ status: 200, state: 'queued' });
  });

  it('without the answer of the ledger: unknown', async () => {
    const id = await order();
    front.ledger.trouble.cancel = 'lost-answer';
    expect(await said(await front.delete(id))).toMatchObject({ status: 503, code: 'outcome-unknown', fate: 'unknown' });
    delete front.ledger.trouble.cancel;
  });
});
