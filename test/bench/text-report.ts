import type { ClosedRow } from './contenders.js';
import type { Minute } from './endurance.js';
import type { OpenResult } from './open-loop.js';
import { barsOf, type Results } from './results.js';

export type Table = readonly [title: string, head: readonly string[], rows: readonly (readonly string[])[]];

const failed = (failures: Readonly<Record<string, number>>): string =>
  Object.entries(failures)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ') || '–';
const ms = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(1));

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

function minuteTable(rows: readonly Minute[]): Table {
  return [
    'Minute by minute at full rate',
    [
      'minute',
      'certificates/s',
      'p50 ms',
      'p99 ms',
      'open transaction',
      'tables MiB',
      'indexes MiB',
      'work MiB',
      'dead rows',
      'vacuums',
      'failed',
    ],
    rows.map((row) => [
      String(row.minute),
      row.ratePerSecond.toFixed(0),
      ms(row.p50Ms),
      ms(row.p99Ms),
      row.openTransaction ? 'yes' : '',
      row.tableMiB.toFixed(0),
      row.indexMiB.toFixed(0),
      row.workMiB.toFixed(1),
      row.deadTuples.toFixed(0),
      row.vacuumsSoFar.toFixed(0),
      failed(row.failures),
    ]),
  ];
}

/** Everything there is to read, as tables; the page shows the same. */
export function tablesOf(results: Results): Table[] {
  const { closed, open, idle, signing, why, minutes, steps } = results;
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
    ...(minutes === undefined ? [] : [minuteTable(minutes)]),
    [
      'Where the time goes: mean of each step over the whole run',
      ['process', 'step', 'mean ms', 'times'],
      steps.map(({ process, step, meanMs, count }) => [process, step, meanMs.toFixed(3), String(count)]),
    ],
  ];
}

/** Aligned columns, readable as Markdown too. */
export function tableText([title, head, rows]: Table): string {
  const widths = head.map((name, index) => Math.max(name.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  return [`\n${title}\n`, line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
