import type { Table } from '../bench/table-text.js';
import { bySecond, type Second } from './by-second.js';
import { type ByPhase, type Figures, figuresOf } from './figures.js';
import { type Guard, guards, guardTexts } from './guards.js';
import type { Act } from './operator.js';
import type { Played } from './play.js';
import type { Timetable } from './timetable.js';

/** What is kept of a run. */
export interface RunReport {
  readonly run: string;
  readonly has: readonly Guard[];
  readonly timetable: Timetable;
  readonly figures: Figures;
  readonly seconds: readonly Second[];
  /** Seconds from the first renewal. */
  readonly acts: readonly { readonly second: number; readonly command: string; readonly exitCode: number }[];
  readonly faults: readonly string[];
}

export function reportOf(played: Played): RunReport {
  const { run, timetable, beganAt, acts, faults } = played;
  const second = ({ at }: Act): number => Math.round((at - beganAt) / 1000);
  return {
    ...{ run: run.name, has: [...run.has], timetable, faults },
    ...{ figures: figuresOf(played), seconds: bySecond(played) },
    acts: acts.map((act) => ({ second: second(act), command: act.command, exitCode: act.exitCode })),
  };
}

/** "all", "all but push", "join alone", "deadline in the claim, join, park". */
export function guardsText(has: readonly Guard[]): string {
  const missing = guards.filter((guard) => !has.includes(guard));
  const names = (some: readonly Guard[]): string => some.map((guard) => guardTexts[guard].name).join(', ');
  if (missing.length === 0) return 'all';
  if (has.length === 0) return 'none';
  if (missing.length === 1) return `all but ${names(missing)}`;
  return has.length === 1 ? `${names(has)} alone` : names(has);
}

const whole = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(0));
/** Whole percent, never rounded up to all of them. */
export const percent = (share: number): string => (Number.isNaN(share) ? '–' : `${Math.floor(share * 100)}`);
const phases = ({ calm, during, after }: ByPhase, text: (value: number) => string): string =>
  [calm, during, after].map(text).join(' / ');

export function recoveredText({ harmedSeconds, recoveredS }: Figures): string {
  if (harmedSeconds === 0) return '✓ no harm';
  return recoveredS === undefined ? '✗ not while watched' : `✓ ${recoveredS} s after the cause`;
}

export function replayTable(reports: readonly RunReport[]): Table {
  return [
    'Each guard missing, and each alone: calm / while the cause lasts / after it',
    [
      ...[
        'guards',
        'served %',
        'p99 ms',
        'signed for dead CAs',
        'rejected for them',
        'signed overdue',
        'calls per order',
      ],
      ...['oldest s', 'queue grows by/s, after', 'seconds of harm', 'all served again'],
    ],
    reports.map(({ has, figures }) => [
      guardsText(has),
      ...[phases(figures.served, percent), phases(figures.p99Ms, whole)],
      ...[
        whole(figures.signedForDead),
        whole(figures.rejectedRenewals),
        whole(figures.signedOverdue),
        figures.callsPerOrder.toFixed(2),
      ],
      ...[whole(figures.oldestSMax), figures.growthPerSecond.toFixed(1).replace('-0.0', '0.0')],
      ...[whole(figures.harmedSeconds), recoveredText(figures)],
    ]),
  ];
}
