import type { Lane } from '@sluice/issuance';
import type { Turn, TurnRequest } from './types.js';

/** A turn is for at most this many requests: small batches side by side beat one big one. */
export const requestsPerTurnMax = 64;

/** What a job holds. Redis is not trusted: `readTurn` takes anything and makes a harmless turn of it. */
export interface TurnJob {
  readonly count: number;
  readonly ids: readonly string[];
  /** Of each id, in the same order. */
  readonly flows: readonly string[];
}

/** One job for each 64 requests or fewer. */
export function turnJobs(requests: readonly TurnRequest[]): TurnJob[] {
  const jobs: TurnJob[] = [];
  for (let from = 0; from < requests.length; from += requestsPerTurnMax) {
    const some = requests.slice(from, from + requestsPerTurnMax);
    jobs.push({
      count: some.length,
      ids: some.map(({ requestId }) => requestId),
      flows: some.map(({ flow }) => flow),
    });
  }
  return jobs;
}

const flowLengthMax = 300;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `data` is whatever lay in Redis. Without a usable count it is a turn for one; ids that are none are left out, and a flow that is none is ''. */
export function readTurn(lane: Lane, data: unknown, ageMs: number): Turn {
  const { count, ids, flows } = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  const usable = typeof count === 'number' && Number.isInteger(count) && count >= 1;
  const given: readonly unknown[] = Array.isArray(ids) ? ids.slice(0, requestsPerTurnMax) : [];
  const flowAt = (index: number): string => {
    const flow: unknown = Array.isArray(flows) ? flows[index] : '';
    return typeof flow === 'string' && flow.length <= flowLengthMax ? flow : '';
  };
  return {
    lane,
    count: usable ? Math.min(count, requestsPerTurnMax) : 1,
    requests: given.flatMap((id, index) =>
      typeof id === 'string' && uuid.test(id) ? [{ requestId: id, flow: flowAt(index) }] : [],
    ),
    ageMs: Math.max(0, ageMs),
  };
}
