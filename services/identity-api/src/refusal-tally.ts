import { type RefusalCount, refusalsMax } from '@sluice/registry-protocol';

export interface RefusalTally {
  /** `ca` and `account` are empty where the order was refused before they were known. */
  add(refusal: { readonly ca: string; readonly account: string; readonly code: string }): void;
  /** Of the last minute: all by code, and whose they were, the most frequent first. */
  lately(): { readonly byCode: Readonly<Record<string, number>>; readonly top: readonly RefusalCount[] };
}

const sliceMs = 10_000;
const slicesMax = 6;
/** Different ones per slice. Accounts, CAs and codes are bounded, their combinations are not: the rest count by code alone. */
const differentMax = 2000;

type Whose = Omit<RefusalCount, 'per_minute'>;
interface Slice {
  readonly startedAtMs: number;
  readonly counts: Map<string, { readonly whose: Whose; count: number }>;
}

/** Counts what is refused, for `sluice status`: in slices of ten seconds, the last six of which are kept. */
export function createRefusalTally(monotonicMs: () => number): RefusalTally {
  let slices: Slice[] = [];

  function current(): Slice {
    const nowMs = monotonicMs();
    const last = slices.at(-1);
    if (last !== undefined && nowMs - last.startedAtMs < sliceMs) return last;
    const next: Slice = { startedAtMs: nowMs, counts: new Map() };
    slices = [...slices, next].filter(({ startedAtMs }) => nowMs - startedAtMs < sliceMs * slicesMax);
    return next;
  }

  return {
    add(refusal) {
      const { counts } = current();
      const { code } = refusal;
      const full = counts.size >= differentMax && !counts.has(keyOf(refusal));
      const whose = full ? { ca: '', account: '', code } : refusal;
      const key = keyOf(whose);
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { whose, count: 1 });
      else known.count += 1;
    },
    lately() {
      current();
      const sums = new Map<string, { whose: Whose; count: number }>();
      const byCode: Record<string, number> = {};
      for (const [key, { whose, count }] of slices.flatMap(({ counts }) => [...counts])) {
        sums.set(key, { whose, count: (sums.get(key)?.count ?? 0) + count });
        byCode[whose.code] = (byCode[whose.code] ?? 0) + count;
      }
      const sorted = [...sums.values()].sort((a, b) => b.count - a.count);
      const top = sorted.slice(0, refusalsMax).map(({ whose, count }) => ({ ...whose, per_minute: count }));
      return { byCode, top };
    },
  };
}

/** Names hold no space. */
const keyOf = ({ ca, account, code }: Whose): string => `${ca} ${account} ${code}`;
