import type { Fate } from '@sluice/errors';
import type { Answer, PostOptions, RecordingClient, System } from '@sluice/testkit';
import { Pool } from 'undici';

/** For thousands of calls a second: no description to compare with, no chain, no body kept. */
export interface SwiftClient {
  /** Everything so far, in the order of the answers; with the certificate, for the accounting. */
  readonly answers: readonly Answer[];
  /** Never rejects: a lost connection is an answer too. */
  post: RecordingClient['post'];
  close(): Promise<void>;
}

/** Per front end; more calls than this wait in the client, which counts for them. */
const connectionsMax = 4000;

/** Takes the front ends in turn. */
export function createSwiftClient(system: System, apiKey: string = system.apiKey): SwiftClient {
  const answers: Answer[] = [];
  const pools = system.frontEnds.map(({ url }) => ({
    url,
    pool: new Pool(url, { connections: connectionsMax, pipelining: 1, headersTimeout: 30_000, bodyTimeout: 30_000 }),
  }));
  let sent = 0;
  return {
    answers,
    async post(order) {
      const number = sent++;
      const { url: baseUrl, pool } = pools[number % pools.length] as (typeof pools)[number];
      const name = order.subjectDn?.common_name;
      const commonName = typeof name === 'string' ? name : undefined;
      const asked = { number, call: 'POST' as const, baseUrl, key: order.key, profile: order.profile, commonName };
      const sentAt = Date.now();
      const answer: Answer = { ...asked, sentAt, ...(await exchange(pool, order, apiKey)), endedAt: Date.now() };
      answers.push(answer);
      return answer;
    },
    async close() {
      await Promise.all(pools.map(({ pool }) => pool.destroy()));
    },
  };
}

async function exchange(pool: Pool, order: PostOptions, apiKey: string): Promise<Partial<Answer>> {
  const { profile, csr, subjectDn, key, prefer } = order;
  try {
    const response = await pool.request({
      method: 'POST',
      path: '/identity',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(prefer === undefined ? {} : { prefer }),
      },
      body: JSON.stringify({ profile, subject_dn: subjectDn, csr }),
    });
    const body = (await response.body.json()) as Record<string, string | undefined>;
    const { location, 'retry-after': retryAfter } = response.headers;
    return {
      status: response.statusCode,
      code: body.code,
      fate: response.statusCode === 201 ? 'issued' : (body.fate as Fate | undefined),
      id: body.id ?? (typeof location === 'string' ? location.split('/').at(-1) : undefined),
      certificate: body.signing_cert,
      ...(retryAfter === undefined ? {} : { retryAfterS: Number(retryAfter) }),
    };
  } catch (thrown) {
    return { error: thrown instanceof Error ? thrown.name : String(thrown) };
  }
}
