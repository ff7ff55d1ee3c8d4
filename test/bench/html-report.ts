import { barChart, figure, lineChart, stackedBars } from './charts.js';
import { minuteCharts } from './minute-charts.js';
import { escapeText, style } from './page-style.js';
import type { Results } from './results.js';
import { tableHtml } from './table-html.js';
import { tablesOf } from './text-report.js';

const nameOf = (row: { name: string; clients: number }): string => `${row.name} · ${row.clients}`;

function charts({ closed, open, endurance }: Results): string[] {
  const sluice = closed.filter(({ name }) => name === 'Sluice');
  return [
    figure(
      'Certificates per second, closed loop',
      barChart(closed.map((row) => ({ name: nameOf(row), value: row.ratePerSecond, strong: row.name === 'Sluice' }))),
      'Name and number of clients; medians of alternating rounds.',
    ),
    figure(
      'CPU per certificate, ms',
      stackedBars(closed.map((row) => ({ name: nameOf(row), parts: row.cpuMsPerCertificate }))),
      `What is left of the cores goes to the load generator. Sluice at its best: ${Math.max(...sluice.map(({ ratePerSecond }) => ratePerSecond)).toFixed(0)}/s.`,
    ),
    figure(
      'Latency by percentile, open loop, ms',
      lineChart({
        series: open.map(({ plannedPerSecond, latency }) => ({
          name: `${plannedPerSecond.toFixed(0)}/s`,
          points: latency.curve
            .filter(({ ms }) => !Number.isNaN(ms))
            .map(({ percentile, ms }) => [Math.log10(100 / (100 - percentile)), ms] as const),
        })),
        xTicks: [50, 90, 99, 99.9].map(
          (percentile) => [Math.log10(100 / (100 - percentile)), `${percentile} %`] as const,
        ),
        yLog: true,
      }),
      'Counted from when each request was due, so a stall is felt by all who would have come meanwhile.',
    ),
    ...(endurance === undefined ? [] : minuteCharts(endurance.minutes)),
  ];
}

/** The whole run as one page that fetches nothing. */
export function page(results: Results): string {
  const { at, machine, cfssl, rounds, seconds, preloaded } = results;
  const loaded =
    preloaded === undefined
      ? ''
      : ` ${preloaded.requests.toLocaleString('en')} requests over ${preloaded.weeks} weeks were loaded first, in ${preloaded.seconds.toFixed(0)} s.`;
  const [bars, ...tables] = tablesOf(results).map(tableHtml);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice benchmark, ${escapeText(at.slice(0, 10))}</title><style>${style}</style></head><body>
<h1>Sluice benchmark</h1>
<p class="machine">${escapeText(machine)}<br>${escapeText(at.slice(0, 16).replace('T', ' '))} UTC · CFSSL ${escapeText(cfssl)} as Debian ships it · medians of ${rounds} alternating round(s) of ${seconds} s.${escapeText(loaded)}
Load generator, services, Redis and PostgreSQL share the cores.</p>
${bars}
<div class="charts">${charts(results).join('\n')}</div>
${tables.join('\n')}
</body></html>
`;
}
