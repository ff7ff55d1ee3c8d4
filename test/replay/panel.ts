import { lineChart } from '../bench/charts.js';
import { escapeText } from '../bench/page-style.js';
import type { Second } from './by-second.js';
import { guards, guardTexts } from './guards.js';
import { guardsText, percent, type RunReport, recoveredText } from './report.js';
import type { Timetable } from './timetable.js';

/** Tops of the axes, the same in every panel, so that panels can be compared. */
export interface Scales {
  readonly callsPerSecond: number;
  readonly oldestS: number;
}

/** A little above the limit of the clients. */
const latencyMaxS = 7;
const plotHeight = 105;

export function scalesOf(reports: readonly RunReport[]): Scales {
  const seconds = reports.flatMap((report) => report.seconds);
  const most = (value: (second: Second) => number): number =>
    Math.max(10, ...seconds.map(value).filter((number) => !Number.isNaN(number))) * 1.05;
  const each = ({ served, unavailable, limited, other }: Second): number =>
    Math.max(served, unavailable, limited, other);
  return { callsPerSecond: most(each), oldestS: most(({ oldestS }) => oldestS) };
}

/** A run in the shape of the incident's own graph, and below it what it lacked to show: how old the queue was. */
export function panel(report: RunReport, scales: Scales): string {
  const { has, seconds, timetable, figures } = report;
  const chart = (
    yMax: number,
    series: readonly (readonly [name: string, value: (second: Second) => number])[],
  ): string =>
    lineChart({
      series: series.map(([name, value]) => ({
        name,
        points: seconds
          .map((second) => [second.second, value(second)] as const)
          .filter(([, number]) => !Number.isNaN(number)),
      })),
      ...{ xTicks: ticks(timetable), shaded: [0, timetable.reduced], yMax, height: plotHeight },
    });
  const chips = guards.map((guard) => {
    const { name, on, off } = guardTexts[guard];
    const isOn = has.includes(guard);
    return `<span class="${isOn ? 'on' : 'off'}" title="${escapeText(isOn ? on : off)}">${isOn ? '✓' : '✗'} ${escapeText(name)}</span>`;
  });
  const acts = report.acts.filter(({ command, exitCode }) => exitCode === 0 && command.includes('--yes'));
  return `<figure id="${escapeText(report.run)}"><figcaption>${escapeText(guardsText(has))}</figcaption>
<p class="chips">${chips.join(' ')}</p>
${chart(latencyMaxS, [
  ['seconds to an answer: median', ({ p50S }) => p50S],
  ['p99', ({ p99S }) => p99S],
])}
${chart(scales.callsPerSecond, [
  ['answers a second: 201', ({ served }) => served],
  ['429', ({ limited }) => limited],
  ['503', ({ unavailable }) => unavailable],
  ['others', ({ other }) => other],
])}
${chart(scales.oldestS, [['age of the oldest in the queue, seconds', ({ oldestS }) => oldestS]])}
<p>${escapeText(`${percent(figures.served.during)} % served while the cause lasts; all served again: ${recoveredText(figures).slice(2)}.`)}
${acts.map(({ second, command }) => `<br>At ${second} s: <code>${escapeText(command)}</code>`).join('')}</p></figure>`;
}

/** Every ten seconds. */
function ticks({ calm, end }: Timetable): (readonly [number, string])[] {
  const first = Math.ceil(calm / 10) * 10;
  const marks = Array.from({ length: Math.floor((end - first) / 10) + 1 }, (_, index) => first + index * 10);
  return marks.map((second) => [second, `${second} s`] as const);
}
