import type { ClosedRow } from './contenders.js';
import { enduranceTables } from './endurance-tables.js';
import type { OpenResult } from './open-loop.js';
import { pushTables } from './push-tables.js';
import { barsOf, type LoadedRate, type Results } from './results.js';
import { failed, ms, type Table } from './table-text.js';

function closedTable(rows: readonly ClosedRow[]): Table {
  return [
    'Closed loop: each client waits for its answer',
    ['what', 'clients', 'certificates/s', 'p50 ms', 'p99 ms', 'CPU ms per certificate', 'failed'],
    rows.map((row) => [
      row.name,
      String(row.clients),
      row.ratePerSecond.toFixed(0),
      ms(row.p50Ms),
      ms(row.p99Ms),
      Object.entries(row.cpuMsPerCertificate)
        .map(([part, used]) => `${part} ${used.toFixed(2)}`)
        .join(', '),
      failed(row.failures),
    ]),
  ];
}

function openTable(rows: readonly OpenResult[]): Table {
  return [
    'Open loop: arrivals by the clock, latency from the intended sending',
    ['planned/s', 'issued/s', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'max ms', 'generator late p99 ms', 'failed'],
    rows.map(({ plannedPerSecond, acceptedPerSecond, latency, generatorLate, failures }) => [
      plannedPerSecond.toFixed(0),
      acceptedPerSecond.toFixed(0),
      ...[latency.p50Ms, latency.p90Ms, latency.p99Ms, latency.p999Ms, latency.maxMs, generatorLate.p99Ms].map(ms),
      failed(failures),
    ]),
  ];
}

function preloadTables({ requests, fillSeconds, sizes, before, after }: NonNullable<Results['preloaded']>): Table[] {
  const all = sizes.reduce((sum, table) => sum + table.rows, 0);
  const per = (count: number): string => Math.round(count / fillSeconds).toLocaleString('en');
  const rate = (when: string, { ratePerSecond, postgresCpuMsEach }: LoadedRate): string[] => [
    when,
    ratePerSecond.toFixed(0),
    postgresCpuMsEach.toFixed(2),
  ];
  return [
    [
      `Preloaded: ${requests.toLocaleString('en')} requests, ${per(requests)}/s (${per(all)} rows/s)`,
      ['table', 'rows', 'table MiB', 'indexes MiB'],
      sizes.map(({ table, rows, tableMiB, indexMiB }) => [
        table,
        rows.toLocaleString('en'),
        tableMiB.toFixed(1),
        indexMiB.toFixed(1),
      ]),
    ],
    [
      'Full rate before and after',
      ['when', 'certificates/s', 'PostgreSQL CPU ms per certificate'],
      [rate('before', before), rate('after', after)],
    ],
  ];
}

/** Everything there is to read, as tables; the page shows the same. */
export function tablesOf(results: Results): Table[] {
  const { closed, open, idle, signing, why, push, preloaded, endurance, steps } = results;
  const words = { goal: '✓ goal', bar: '✓ bar', short: '✗ short' } as const;
  const latencies = [
    ['idle request, one client', idle.latency],
    ['one durable commit', idle.commit],
    [`why, ${why.requests.toLocaleString('en')} requests stored`, why.latency],
  ] as const;
  return [
    [
      'Figures to reach',
      ['what', 'measured', 'asked for', ''],
      barsOf(results).map((bar) => [bar.what, bar.measured, bar.asked, words[bar.standing]]),
    ],
    closedTable(closed),
    openTable(open),
    [
      'Latency at rest',
      ['what', 'p50 ms', 'p99 ms', 'max ms', 'samples'],
      latencies.map(([what, { p50Ms, p99Ms, maxMs, count }]) => [
        what,
        p50Ms.toFixed(2),
        p99Ms.toFixed(2),
        maxMs.toFixed(2),
        String(count),
      ]),
    ],
    [
      'One core, P-256',
      ['what', 'per second'],
      [
        ['crypto.sign alone', signing.bareSignPerSecond.toFixed(0)],
        [
          'build, lint, sign, verify, assemble',
          `${signing.wholePerSecond.toFixed(0)} (${(signing.share * 100).toFixed(1)} %)`,
        ],
      ],
    ],
    ...pushTables(push),
    ...(preloaded === undefined ? [] : preloadTables(preloaded)),
    ...(endurance === undefined ? [] : enduranceTables(endurance)),
    [
      'Where the time goes: mean of each step over the whole run',
      ['process', 'step', 'mean ms', 'times'],
      steps.map(({ process, step, meanMs, count }) => [process, step, meanMs.toFixed(3), String(count)]),
    ],
  ];
}
