import type { QueueReading, QueueRow } from '@sluice/ledger';

/** Per second, over the readings given. */
export interface Rates extends Pick<QueueRow, 'class' | 'keyGroup' | 'ca'> {
  readonly arrivals: number;
  readonly drained: number;
}

/** Class and CA are names: neither holds a space. */
export const rowKey = ({ class: requestClass, keyGroup, ca }: Pick<QueueRow, 'class' | 'keyGroup' | 'ca'>): string =>
  `${requestClass} ${keyGroup} ${ca}`;

const openOf = (row: QueueRow | undefined): number => (row === undefined ? 0 : row.queued + row.signing);

/**
 * Milliseconds that work accepted now waits, if what is ahead of it goes on as fast as it went: neither what is held nor
 * what is shelved is ahead of anything. Null while nobody knows, or nothing goes.
 */
export function predictedWaitMs({ queued, held, signing }: QueueRow, rates: Rates | undefined): number | null {
  const ahead = queued - held + signing;
  if (ahead === 0) return 0;
  return rates === undefined || rates.drained === 0 ? null : Math.round((ahead / rates.drained) * 1000);
}

/**
 * How fast work came and went, per class and CA, from readings in order of time, each with what was accepted since the
 * one before: what came and is no longer open has gone. Empty for fewer than two readings.
 */
export function ratesOf(readings: readonly QueueReading[]): ReadonlyMap<string, Rates> {
  const [first, ...later] = readings;
  const last = later.at(-1);
  const rates = new Map<string, Rates>();
  if (first === undefined || last === undefined) return rates;
  const seconds = (last.at.getTime() - first.at.getTime()) / 1000;
  const byKey = ({ rows }: QueueReading) => new Map(rows.map((row) => [rowKey(row), row]));
  const before = byKey(first);
  const now = byKey(last);
  const accepted = new Map<string, number>();
  for (const row of later.flatMap(({ rows }) => rows)) {
    accepted.set(rowKey(row), (accepted.get(rowKey(row)) ?? 0) + row.accepted);
  }
  for (const row of readings.flatMap(({ rows }) => rows)) {
    const key = rowKey(row);
    const came = accepted.get(key) ?? 0;
    // What was taken off the shelf came back without an arrival.
    const went = Math.max(0, came + openOf(before.get(key)) - openOf(now.get(key)));
    const { class: requestClass, keyGroup, ca } = row;
    rates.set(key, { class: requestClass, keyGroup, ca, arrivals: came / seconds, drained: went / seconds });
  }
  return rates;
}
