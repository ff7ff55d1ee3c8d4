import type { NewestEnds } from '@sluice/ledger';
import type { Status } from '@sluice/registry-protocol';

type Flood = Status['floods'][number];

const shownMax = 5;
/** An end of these is what was wanted. */
const wanted: ReadonlySet<string> = new Set(['issued', 'cancelled']);

/** What comes again and again and fails: of the ledger's newest ends and of what each front end says it refuses, the worst first. */
export function whatFloods(facts: {
  readonly at: Date;
  readonly ends: NewestEnds;
  readonly subscribers: Status['subscribers'];
}): Flood[] {
  const { at, ends, subscribers } = facts;
  const minutes = Math.max(1, at.getTime() - ends.since.getTime()) / 60_000;
  const ended: Flood[] = ends.groups
    .filter(({ state }) => !wanted.has(state))
    .map(({ ca, account, state, code, count }) => ({
      ca,
      account,
      code: code ?? state,
      per_minute: count / minutes,
      from: 'ledger',
    }));
  const refused: Flood[] = subscribers
    .filter(({ standing }) => standing !== 'fenced' && standing !== 'silent')
    .flatMap(({ report }) => report?.refusals ?? [])
    .map((refusal) => ({ ...refusal, from: 'front-ends' }));
  const sums = new Map<string, Flood>();
  for (const flood of [...ended, ...refused]) {
    const key = JSON.stringify([flood.ca, flood.account, flood.code, flood.from]);
    sums.set(key, { ...flood, per_minute: flood.per_minute + (sums.get(key)?.per_minute ?? 0) });
  }
  return [...sums.values()]
    .sort((a, b) => b.per_minute - a.per_minute)
    .slice(0, shownMax)
    .map((flood) => ({ ...flood, per_minute: Math.round(flood.per_minute * 10) / 10 }));
}
