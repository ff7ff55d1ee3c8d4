import type { Endurance, Minute } from './endurance.js';
import type { TableSize } from './table-sizes.js';
import { failed, ms, type Table } from './table-text.js';

const sum = (tables: readonly TableSize[], what: 'tableMiB' | 'indexMiB' | 'deadRows' | 'vacuums'): number =>
  tables.reduce((total, table) => total + table[what], 0);
const whole = (value: number): string => (Number.isNaN(value) ? '–' : Math.round(value).toLocaleString('en'));

/** What the charts show, too. */
export const sums = {
  tableMiB: ({ tables }: Minute) => sum(tables, 'tableMiB'),
  indexMiB: ({ tables }: Minute) => sum(tables, 'indexMiB'),
  deadRows: ({ tables }: Minute) => sum(tables, 'deadRows'),
  workMiB: ({ tables }: Minute) =>
    tables.filter(({ table }) => table === 'work').reduce((total, work) => total + work.tableMiB + work.indexMiB, 0),
};

/** Minute by minute; each table before and after; the memory of each process. */
export function enduranceTables({ clients, before, minutes }: Endurance): Table[] {
  return [minuteTable(minutes, clients), growthTable(before, minutes), memoryTable(minutes)];
}

function minuteTable(minutes: readonly Minute[], clients: number): Table {
  return [
    `Minute by minute at full rate, ${clients} clients; PostgreSQL ms: of its CPU, per certificate`,
    [
      ...['minute', 'certificates/s', 'p50 ms', 'p99 ms', 'PostgreSQL ms', 'open transaction'],
      ...['tables MiB', 'indexes MiB', 'work MiB', 'dead rows', 'vacuums', 'failed'],
    ],
    minutes.map((row) => [
      String(row.minute),
      row.ratePerSecond.toFixed(0),
      ms(row.p50Ms),
      ms(row.p99Ms),
      row.postgresCpuMsEach.toFixed(2),
      row.openTransaction ? 'yes' : '',
      whole(sums.tableMiB(row)),
      whole(sums.indexMiB(row)),
      sums.workMiB(row).toFixed(1),
      whole(sums.deadRows(row)),
      whole(sum(row.tables, 'vacuums')),
      failed(row.failures),
    ]),
  ];
}

function growthTable(before: readonly TableSize[], minutes: readonly Minute[]): Table {
  const after = minutes.at(-1)?.tables ?? [];
  const inAny = (table: string): TableSize[] =>
    minutes.flatMap(({ tables }) => tables.filter((size) => size.table === table));
  return [
    'Tables over those minutes, partitions together',
    [
      ...['table', 'rows before', 'rows after', 'table MiB before', 'table MiB after'],
      ...['indexes MiB before', 'indexes MiB after', 'most dead rows', 'dead rows at the end', 'vacuums'],
    ],
    after.map((size) => {
      const was = before.find(({ table }) => table === size.table);
      return [
        size.table,
        whole(was?.rows ?? 0),
        whole(size.rows),
        (was?.tableMiB ?? 0).toFixed(1),
        size.tableMiB.toFixed(1),
        (was?.indexMiB ?? 0).toFixed(1),
        size.indexMiB.toFixed(1),
        whole(Math.max(...inAny(size.table).map(({ deadRows }) => deadRows))),
        whole(size.deadRows),
        whole(size.vacuums - (was?.vacuums ?? 0)),
      ];
    }),
  ];
}

function memoryTable(minutes: readonly Minute[]): Table {
  const processes = minutes[0]?.memory ?? [];
  return [
    'Memory at the end of each minute, MiB',
    [
      'minute',
      ...processes.flatMap(({ process, heapMiB }) =>
        heapMiB === undefined ? [process] : [process, `${process}: heap`],
      ),
    ],
    minutes.map(({ minute, memory }) => [
      String(minute),
      ...memory.flatMap(({ residentMiB, heapMiB }) =>
        heapMiB === undefined ? [whole(residentMiB)] : [whole(residentMiB), whole(heapMiB)],
      ),
    ]),
  ];
}
