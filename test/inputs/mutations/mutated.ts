import type { ValidOrder } from '../valid-orders.js';

/** Where something was done to an order. */
export const levels = ['json', 'schema', 'pem', 'der', 'rule'] as const;
export type Level = (typeof levels)[number];

/** A valid order to which something was done; it may be valid all the same. */
export interface Mutated {
  readonly level: Level;
  /** What was done, for people. */
  readonly what: string;
  readonly body: Uint8Array;
  readonly from: ValidOrder;
}

export function mutated(level: Level, what: string, from: ValidOrder, body: object | string | Uint8Array): Mutated {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { level, what, from, body: body instanceof Uint8Array ? body : Buffer.from(text) };
}
