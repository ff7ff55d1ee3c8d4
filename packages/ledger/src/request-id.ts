import { randomUUID } from 'node:crypto';

/**
 * A UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then randomness. Partitions go by its time. `random` is
 * a UUIDv4, whose 74 random bits stand in the same places: Node draws those for many at a time.
 */
export function newRequestId(nowMs: number, random: string = randomUUID()): string {
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

/** The first id there can be of a millisecond. */
export function firstRequestId(atMs: number): string {
  return newRequestId(atMs, '00000000-0000-4000-8000-000000000000');
}

/** The form of a request id; anything else is refused at the edge. */
export const requestIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
