import { figure, lineChart } from './charts.js';
import type { Minute } from './endurance.js';
import { sums } from './endurance-tables.js';

/** How it went by minute; the minutes with an open transaction are shaded. */
export function minuteCharts(minutes: readonly Minute[]): string[] {
  const every = Math.max(1, Math.ceil(minutes.length / 6));
  const xTicks = minutes
    .filter(({ minute }) => minute === 1 || minute % every === 0)
    .map(({ minute }) => [minute, String(minute)] as const);
  const open = minutes.filter(({ openTransaction }) => openTransaction).map(({ minute }) => minute);
  const shaded = open.length === 0 ? undefined : ([Math.min(...open) - 0.5, Math.max(...open) + 0.5] as const);
  const note = open.length === 0 ? 'By minute.' : 'By minute; shaded: a transaction was open.';
  const line = (title: string, series: Record<string, (row: Minute) => number>): string =>
    figure(
      title,
      lineChart({
        series: Object.entries(series).map(([name, value]) => ({
          name,
          points: minutes.map((row) => [row.minute, value(row)] as const).filter(([, value]) => !Number.isNaN(value)),
        })),
        xTicks,
        shaded,
      }),
      note,
    );
  const memory = (of: 'residentMiB' | 'heapMiB'): Record<string, (row: Minute) => number> =>
    Object.fromEntries(
      (minutes[0]?.memory ?? [])
        .filter((one) => one[of] !== undefined)
        .map(({ process }) => [
          process,
          (row: Minute) => row.memory.find((one) => one.process === process)?.[of] ?? Number.NaN,
        ]),
    );
  return [
    line('Certificates per second', { 'certificates/s': (row) => row.ratePerSecond }),
    line('Latency, ms', { p50: (row) => row.p50Ms, p99: (row) => row.p99Ms }),
    line('CPU of PostgreSQL per certificate, ms', { PostgreSQL: (row) => row.postgresCpuMsEach }),
    line('Size, MiB', { tables: sums.tableMiB, indexes: sums.indexMiB }),
    line('Dead rows', { 'dead rows': sums.deadRows }),
    line('Size of the open work with its indexes, MiB', { work: sums.workMiB }),
    line('Resident memory, MiB', memory('residentMiB')),
    line('JavaScript heap in use, MiB', memory('heapMiB')),
  ];
}
