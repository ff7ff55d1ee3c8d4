import type { Lane } from '@sluice/issuance';
import type { Turn } from './types.js';

/** A turn is for at most this many requests: small batches side by side beat one big one. */
export const requestsPerTurnMax = 64;

/** What a job holds. Redis is not trusted: `readTurn` takes anything and makes a harmless turn of it. */
export interface TurnJob {
  readonly count: number;
  readonly ids: readonly string[];
}

/** One job for each 64 requests or fewer. */
export function turnJobs(requestIds: readonly string[]): TurnJob[] {
  const jobs: TurnJob[] = [];
  for (let from = 0; from < requestIds.length; from += requestsPerTurnMax) {
    const ids = requestIds.slice(from, from + requestsPerTurnMax);
    jobs.push({ count: ids.length, ids });
  }
  return jobs;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `data` is whatever lay in Redis. Without a usable count it is a turn for one; ids that are none are left out. */
export function readTurn(lane: Lane, data: unknown, ageMs: number): Turn {
  const { count, ids } = (typeof data === 'object' && data !== null ? data : {}) as { count?: unknown; ids?: unknown };
  const usable = typeof count === 'number' && Number.isInteger(count) && count >= 1;
  const given: readonly unknown[] = Array.isArray(ids) ? ids.slice(0, requestsPerTurnMax) : [];
  return {
    lane,
    count: usable ? Math.min(count, requestsPerTurnMax) : 1,
    requestIds: given.filter((id): id is string => typeof id === 'string' && uuid.test(id)),
    ageMs: Math.max(0, ageMs),
  };
}
