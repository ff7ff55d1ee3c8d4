import type { PushResult } from './push.js';
import { ms, type Table } from './table-text.js';

export function pushTables({ rows, idle }: PushResult): Table[] {
  return [
    [
      'Push: from the command to the last acknowledgement, and to the ledger knowing that nobody acts under less',
      ['what', 'subscribers', 'applied ms, median', 'max', 'confirmed ms, median', 'max', 'rounds'],
      rows.map(({ what, subscribers, rounds, applied, confirmed }) => [
        what,
        String(subscribers),
        ...[applied.medianMs, applied.maxMs, confirmed.medianMs, confirmed.maxMs].map(ms),
        String(rounds),
      ]),
    ],
    ...(idle.length === 0 ? [] : [idleTable(idle)]),
  ];
}

function idleTable(idle: PushResult['idle']): Table {
  const parts = Object.keys(idle[0]?.cpuMsPerSecond ?? {});
  return [
    'Subscribers while nothing changes',
    ['subscribers', ...parts.map((part) => `${part}: CPU ms/s`), 'registry MiB', 'of which heap MiB'],
    idle.map(({ subscribers, cpuMsPerSecond, registryMemory }) => [
      String(subscribers),
      ...parts.map((part) => ms(cpuMsPerSecond[part] ?? Number.NaN)),
      ms(registryMemory.residentMiB),
      ms(registryMemory.heapMiB ?? Number.NaN),
    ]),
  ];
}
