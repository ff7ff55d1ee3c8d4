import { type KeyObject, randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { type Snapshot, signToken, snapshotSchema } from '@sluice/registry-protocol';

const path = '/v1/snapshot';

export interface FetchSnapshotOptions {
  readonly registryUrl: string;
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly clock: () => Date;
  /** For the whole call, in milliseconds. */
  readonly timeoutMs: number;
  /** The epoch already applied: the registry then answers that nothing changed. */
  readonly knownEpoch?: string | undefined;
}

/**
 * The registry's present state, or `unchanged`. Throws `unavailable` when it does not answer in time or not sensibly,
 * `unauthorized` when it does not know our key. Nothing is retried here: the caller asks again a second later.
 */
export async function fetchSnapshot(options: FetchSnapshotOptions): Promise<Snapshot | 'unchanged'> {
  const { registryUrl, name, privateKey, clock, timeoutMs, knownEpoch } = options;
  const body = new Uint8Array();
  const token = await signToken({ privateKey, name, method: 'GET', path, body, now: clock(), jti: randomUUID() });
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'application/json' };
  if (knownEpoch !== undefined) headers['if-none-match'] = `"${knownEpoch}"`;
  const facts = { registry: registryUrl };
  try {
    const answer = await fetch(new URL(path, registryUrl), {
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    // Read in every case: an unread body would keep its connection busy.
    const text = await answer.text();
    if (answer.status === 304) return 'unchanged';
    if (answer.status === 401 || answer.status === 403) {
      throw new SluiceError('unauthorized', `The registry does not accept the key of ${name}`, { facts });
    }
    if (answer.status !== 200) {
      throw new SluiceError('unavailable', `The registry answered ${answer.status}`, { facts });
    }
    return snapshotSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('unavailable', 'The registry did not answer', { facts, cause: error });
  }
}
