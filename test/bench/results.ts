import { type ClosedRow, storing, storingNothing } from './contenders.js';
import type { Endurance } from './endurance.js';
import type { Latency } from './latency.js';
import { median } from './median.js';
import type { OpenResult } from './open-loop.js';
import type { PreloadResult } from './preload.js';
import type { PushResult } from './push.js';
import type { SigningResult } from './signing-core.js';
import type { StepMean } from './steps.js';
import type { WhyResult } from './why-time.js';

/** At full rate. */
export interface LoadedRate {
  readonly ratePerSecond: number;
  readonly postgresCpuMsEach: number;
}

/** Everything one run measured: the JSON file, and what table and page are made from. */
export interface Results {
  readonly at: string;
  readonly machine: string;
  readonly cfssl: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly closed: readonly ClosedRow[];
  readonly open: readonly OpenResult[];
  readonly idle: { readonly latency: Latency; readonly commit: Latency };
  readonly signing: SigningResult;
  readonly why: WhyResult;
  readonly push: PushResult;
  /** With --preload. */
  readonly preloaded?: PreloadResult & { readonly before: LoadedRate; readonly after: LoadedRate };
  /** With --minutes. */
  readonly endurance?: Endurance;
  readonly steps: readonly StepMean[];
}

/** A figure to reach: the least that is asked for, and what is hoped for. */
export interface Bar {
  readonly what: string;
  readonly measured: string;
  readonly asked: string;
  readonly standing: 'goal' | 'bar' | 'short';
}

const times = (value: number): string => `× ${value.toFixed(2)}`;

function atLeast(what: string, value: number, bar: number, goal: number, text: (value: number) => string): Bar {
  const standing = value >= goal ? 'goal' : value >= bar ? 'bar' : 'short';
  return {
    what,
    measured: text(value),
    asked: bar === goal ? `≥ ${text(bar)}` : `≥ ${text(bar)}, goal ${text(goal)}`,
    standing,
  };
}

function atMost(what: string, valueMs: number, barMs: number): Bar {
  const standing = valueMs <= barMs ? 'goal' : 'short';
  return { what, measured: `${valueMs.toFixed(1)} ms`, asked: `≤ ${barMs.toFixed(1)} ms`, standing };
}

function openTransactionBar({ minutes }: Endurance, text: (value: number) => string): Bar {
  const rate = (open: boolean): number =>
    median(minutes.filter((row) => row.openTransaction === open).map(({ ratePerSecond }) => ratePerSecond));
  return atLeast('rate while a transaction was open, of the other minutes', rate(true) / rate(false), 0.9, 0.9, text);
}

/** Against the peer in the same run, and against what this machine's disk and processor allow. */
export function barsOf(results: Results): Bar[] {
  const { closed, idle, signing, why, preloaded, endurance } = results;
  const rates = (name: string): number[] => closed.filter((row) => row.name === name).map((row) => row.ratePerSecond);
  const at = (name: string, clients: number): number =>
    closed.find((row) => row.name === name && row.clients === clients)?.ratePerSecond ?? Number.NaN;
  const best = Math.max(...rates('Sluice'));
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  return [
    atLeast('best, of the best of CFSSL storing', best / Math.max(...rates(storing)), 1, 1.5, times),
    atLeast('at 32 clients, of CFSSL storing as it ships', at('Sluice', 32) / at(storing, 32), 3, 4, times),
    atLeast('best, of CFSSL storing nothing', best / at(storingNothing, 32), 0.35, 0.5, times),
    atLeast('build, lint, sign, verify, of bare signing', signing.share, 0.2, 0.25, percent),
    atMost('idle p50, of 3 commits + 3 ms', idle.latency.p50Ms, 3 * idle.commit.p50Ms + 3),
    atMost('idle p99', idle.latency.p99Ms, 20),
    atMost(`why p99 at ${why.requests.toLocaleString('en')} requests`, why.latency.p99Ms, 200),
    ...(preloaded === undefined
      ? []
      : [
          atLeast(
            `rate at ${preloaded.requests.toLocaleString('en')} requests, of that at none`,
            preloaded.after.ratePerSecond / preloaded.before.ratePerSecond,
            0.9,
            0.9,
            percent,
          ),
        ]),
    ...(preloaded === undefined || endurance === undefined
      ? []
      : [
          atLeast(
            `rate over ${endurance.minutes.length} minutes after that, of that at none`,
            median(endurance.minutes.map(({ ratePerSecond }) => ratePerSecond)) / preloaded.before.ratePerSecond,
            0.9,
            0.9,
            percent,
          ),
        ]),
    ...(endurance === undefined ? [] : [openTransactionBar(endurance, percent)]),
  ];
}
