export interface StepMean {
  readonly process: string;
  readonly step: string;
  readonly count: number;
  readonly meanMs: number;
}

/** Mean milliseconds per labelled histogram of a service's /metrics: where the time goes. */
export async function stepMeans(process: string, baseUrl: string): Promise<StepMean[]> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  const sums = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(sluice_(?!nodejs)\w+_seconds)_(sum|count)(?:\{([^}]*)\})? (\S+)$/.exec(line);
    if (match === null) continue;
    const [, name = '', kind, labels = '', value] = match;
    const step = /step="([^"]*)"/.exec(labels)?.[1];
    const key = `${name.replace(/^sluice_|_seconds$/g, '')}${step === undefined ? '' : ` ${step}`}`;
    const into = kind === 'sum' ? sums : counts;
    into.set(key, (into.get(key) ?? 0) + Number(value));
  }
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([step, count]) => ({ process, step, count, meanMs: ((sums.get(step) ?? 0) / count) * 1000 }));
}
