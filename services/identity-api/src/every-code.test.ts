import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Code, codes } from '@sluice/errors';
import type { AccountLimits } from '@sluice/issuance';
import { newRequestId } from '@sluice/ledger';
import { afterEach, expect, it } from 'vitest';
import { type OperationFacts, operations, rejectionCodes } from './api/operations.js';
import { oneSecond } from './testing/front-test.js';
import { orderByKey } from './testing/order-by-key.js';
import {
  anotherAsk,
  apiKey,
  body,
  disabledApiKey,
  forgedCsr,
  loadOf,
  newKey,
  type StartedFront,
  type StartFrontOptions,
  startFront,
} from './testing/start-front.js';

// Every code that the description lists for an operation is obtained here, from that very operation. (That no other code
// is ever sent is checked with each answer of each test: testing/faults-of-answer.ts.)

let front: StartedFront;
afterEach(async () => {
  await front.server.stop(100);
});

const pairs = operations
  .flatMap((operation) => operation.codes.map((code) => ({ operation, code })))
  // Pages that are made when the process starts: there is no fault in them to provoke.
  .filter(({ operation, code }) => operation.secured || code !== 'internal');

it.each(pairs.map(({ operation, code }) => [`${operation.id}: ${code}`, operation, code] as const))(
  '%s',
  async (_name, operation, code) => {
    front = await startFront(
      code === 'request-timeout' ? { timeouts: { headersMs: 30, requestMs: 40, checkMs: 10 } } : {},
    );
    const obtain = ways[code] ?? byOperation[operation.id]?.[code];
    if (obtain === undefined) throw new Error(`nothing here obtains ${code} from ${operation.id}`);
    const said = await obtain(operation);
    expect(said).toMatchObject({ status: codes[code].status, code, type: `/problems/${code}` });
  },
);

async function restart(options: StartFrontOptions): Promise<void> {
  await front.server.stop(100);
  front = await startFront(options);
}

type Said = Record<string, unknown>;
type Way = (operation: OperationFacts) => Promise<Said>;

const addresses: Readonly<Record<string, string>> = {
  '/identity/{id}': `/identity/${newRequestId(Date.now())}`,
  '/profiles/{name}': '/profiles/tls-client',
  '/problems/{code}': '/problems/internal',
};

async function call({ method, path }: OperationFacts, at = addresses[path] ?? path, key = apiKey): Promise<Said> {
  const sent = method === 'post' ? { body: JSON.stringify(body) } : {};
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return said(await front.fetch(at, { method: method.toUpperCase(), headers, ...sent }));
}

async function said(answer: Response): Promise<Said> {
  return (await answer.json()) as Said;
}

/** Octets as they are, and the body of the first answer. */
async function raw(octets: string): Promise<Said> {
  const { hostname, port } = new URL(front.url);
  const socket = connect(Number(port), hostname);
  socket.write(octets);
  return JSON.parse((await text(socket)).split('\r\n\r\n')[1] ?? '') as Said;
}

const line = ({ method, path }: OperationFacts) => `${method.toUpperCase()} ${addresses[path] ?? path} HTTP/1.1\r\n`;

/** An order that ends in this state as soon as somebody looks. */
async function ending(state: Parameters<StartedFront['ledger']['become']>[1]): Promise<Said> {
  front.ledger.afterAccept = (id) => front.ledger.become(id, state);
  const asked = front.post(body, oneSecond);
  await front.pass(200);
  return said(await asked);
}

/** The same, read. */
async function endedAs(state: Parameters<StartedFront['ledger']['become']>[1]): Promise<Said> {
  const { id = '' } = (await said(await front.post(body, { prefer: 'respond-async' }))) as { id?: string };
  front.ledger.become(id, state);
  return said(await front.get(id));
}

/** What every operation can say. */
const ways: Partial<Record<Code, Way>> = {
  'http-invalid': (operation) => raw(`${line(operation)}Host: x\r\nno colon\r\n\r\n`),
  'request-timeout': (operation) => raw(line(operation)),
  'headers-too-large': (operation) => raw(`${line(operation)}Host: x\r\n${'A: a\r\n'.repeat(120)}\r\n`),
  internal: async (operation) => {
    front.broken = true;
    return call(operation);
  },
  draining: async (operation) => {
    // A connection that is being used when the drain begins is answered once more.
    const octets = `${line(operation)}Host: x\r\n`;
    const { hostname, port } = new URL(front.url);
    const socket = connect(Number(port), hostname);
    socket.write(octets);
    await expect.poll(() => front.server.connections()).toBe(1);
    await expect.poll(() => socket.bytesWritten).toBe(octets.length);
    await front.fetch('/docs');
    const stopped = front.server.stop(1000);
    socket.write('\r\n');
    const answer = JSON.parse((await text(socket)).split('\r\n\r\n')[1] ?? '') as Said;
    await stopped;
    return answer;
  },
  unauthorized: (operation) => call(operation, undefined, `slk_${'x'.repeat(43)}`),
  'account-disabled': (operation) => call(operation, undefined, disabledApiKey),
  unavailable: async (operation) => {
    front.withoutSnapshot = true;
    return call(operation);
  },
  'id-invalid': (operation) => call(operation, operation.path.replace(/\{.*\}/, '%E0%A4%A')),
  'not-found': (operation) => call(operation, addresses[operation.path]?.replace(/tls-client|internal/, 'not-there')),
};

const withProof = (order: Awaited<ReturnType<typeof orderByKey>>, proof: object) => ({
  ...order,
  proof: { ...order.proof, ...proof },
});

const rejected = (look: typeof ending): Partial<Record<Code, Way>> =>
  Object.fromEntries(
    rejectionCodes.map((code) => [code, () => look({ state: 'rejected', code, detail: 'so it is', withheld: false })]),
  );

const byOperation: Readonly<Record<string, Partial<Record<Code, Way>>>> = {
  orderIdentity: {
    ...rejected(ending),
    'body-invalid': async () => said(await front.post('{')),
    'key-invalid': async () => said(await front.post(body, { 'idempotency-key': '' })),
    'body-too-large': async () => said(await front.post(' '.repeat(70_000))),
    'media-type': async () => said(await front.post(body, { 'content-type': 'text/plain' })),
    'csr-invalid': async () => said(await front.post({ ...body, csr: forgedCsr })),
    'nonce-invalid': async () => said(await front.post(withProof(await orderByKey(front), { nonce: 'x' }))),
    'proof-invalid': async () => said(await front.post(withProof(await orderByKey(front), { signature: 'MAAA' }))),
    'payload-mismatch': async () => {
      const key = { 'idempotency-key': newKey(), prefer: 'respond-async' };
      await front.post(body, key);
      return said(await front.post({ ...body, subject_dn: { common_name: 'else' } }, key));
    },
    cancelled: () => ending({ state: 'cancelled' }),
    'not-issued': () => ending({ state: 'expired', withheld: false }),
    withheld: () => ending({ state: 'expired', withheld: true }),
    failed: () => ending({ state: 'failed' }),
    'outcome-unknown': () => troubled('lost-answer'),
    fenced: () => troubled('fenced'),
    'rate-limited': () => beyond({ ratePerSecond: 1, burst: 1 }),
    'quota-exceeded': () => beyond({ ordersPerDay: 1 }),
    'lane-full': async () => {
      for (let open = 0; open < 100; open += 1) front.admission.admit(anotherAsk);
      return said(await front.post());
    },
    'account-full': async () => {
      await restart({ load: loadOf(200, 0) });
      return said(await front.post());
    },
    overloaded: async () => {
      await restart({ load: loadOf(50, 50) });
      // One a second is let in, to see whether it is signed.
      front.admission.admit({ ...anotherAsk, account: 'demo' });
      return said(await front.post());
    },
    'stale-snapshot': async () => {
      front.ledger.afterAccept = (id) => front.ledger.issue(id, 'a-younger-ca');
      const asked = front.post(body, oneSecond);
      await front.pass(200);
      return said(await asked);
    },
  },
  readIdentity: {
    ...rejected(endedAs),
    'rate-limited': () => lookedTwice((id) => front.get(id)),
    cancelled: () => endedAs({ state: 'cancelled' }),
    'not-issued': () => endedAs({ state: 'expired', withheld: false }),
    withheld: () => endedAs({ state: 'expired', withheld: true }),
    failed: () => endedAs({ state: 'failed' }),
    'stale-snapshot': async () => {
      const { id = '' } = (await said(await front.post(body, { prefer: 'respond-async' }))) as { id?: string };
      front.ledger.issue(id, 'a-younger-ca');
      return said(await front.get(id));
    },
  },
  cancelIdentity: {
    'rate-limited': () => lookedTwice((id) => front.delete(id)),
    'not-cancellable': async () => {
      const { id = '' } = (await said(await front.post(body, { prefer: 'respond-async' }))) as { id?: string };
      front.ledger.become(id, { state: 'signing' });
      return said(await front.delete(id));
    },
    'outcome-unknown': async () => {
      front.ledger.trouble.cancel = 'unavailable';
      return said(await front.delete(newRequestId(Date.now())));
    },
  },
};

/** A second order, of an account that may have one. */
async function beyond(limits: AccountLimits): Promise<Said> {
  const accounts = front.snapshot.accounts.map((account) => ({ ...account, limits }));
  front.snapshot = { ...front.snapshot, accounts };
  await front.post(body, { prefer: 'respond-async' });
  return said(await front.post({ ...body, subject_dn: { common_name: 'second' } }));
}

/** The second look of an account that has one a second. */
async function lookedTwice(look: (id: string) => Promise<Response>): Promise<Said> {
  await restart({ limits: { joinsPerSecond: 1 } });
  await look(newRequestId(Date.now()));
  return said(await look(newRequestId(Date.now())));
}

async function troubled(trouble: 'lost-answer' | 'fenced'): Promise<Said> {
  front.ledger.trouble.accept = trouble;
  return said(await front.post());
}
