import { escapeText, style } from '../bench/page-style.js';
import { tableHtml } from '../bench/table-html.js';
import { guards, guardTexts } from './guards.js';
import { panel, scalesOf } from './panel.js';
import { type RunReport, replayTable } from './report.js';
import { ordersPerSecondOf, type Size } from './size.js';
import { moments, type Timetable } from './timetable.js';

const ownStyle = `
body{max-width:1680px}.beside{display:grid;grid-template-columns:17rem 1fr;gap:1.6rem;align-items:start;margin-top:2rem}
aside{position:sticky;top:1rem;font-size:.84rem}aside h2{margin-top:0}aside dt{font-weight:600;margin-top:.8rem}aside dd{margin:.1rem 0 0}
aside .here{color:var(--quiet)}.beside .charts{margin-top:0}
.figures table{font-size:.82rem}.figures th,.figures td{padding:.25rem .45rem}.figures th{white-space:normal}.figures td{white-space:nowrap}.chips{display:flex;flex-wrap:wrap;gap:.1rem .8rem}.on{color:var(--d)}.off{color:var(--e)}code{font-size:.78rem}
@media (max-width:60rem){.beside{grid-template-columns:1fr}aside{position:static}}`;

function timelineHtml(timetable: Timetable): string {
  const rows = moments.map(({ at, hour, happened, here }) => {
    const second = at === 'renewals' ? 0 : timetable[at];
    return `<dt>${escapeText(hour)} · here at ${second} s</dt><dd>${escapeText(happened)}</dd><dd class="here">${escapeText(here)}</dd>`;
  });
  return `<aside><h2>27 and 28 October 2020</h2><dl>${rows.join('\n')}
<dt>16:20</dt><dd>Everything parked is submitted again.</dd><dd class="here">Not played: runbooks/release-parked.md.</dd></dl></aside>`;
}

const guardRows = guards.map((guard) => {
  const { name, on, off } = guardTexts[guard];
  return [name, on, off];
});

/** The runs as one page that fetches nothing. Throws when there is none. */
export function replayPage(
  reports: readonly RunReport[],
  size: Size,
  { machine, at }: { readonly machine: string; readonly at: string },
): string {
  const [first] = reports;
  if (first === undefined) throw new Error('no run was played');
  const scales = scalesOf(reports);
  const load = `Capacity ${size.signaturesPerSecond} signatures/s, set by the tokens; ${ordersPerSecondOf(size)} identity orders/s come when they are due, each with a limit of 6 s, tried up to six times. Shaded: the cause lasts.`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>28 October 2020, replayed, ${escapeText(at.slice(0, 10))}</title><style>${style}${ownStyle}</style></head><body>
<h1>28 October 2020, replayed</h1>
<p class="machine">${escapeText(machine)}<br>${escapeText(at.slice(0, 16).replace('T', ' '))} UTC · ${escapeText(load)}</p>
<div class="figures">${tableHtml(replayTable(reports))}</div>
<div class="beside">${timelineHtml(first.timetable)}
<div class="charts">${reports.map((report) => panel(report, scales)).join('\n')}</div></div>
${tableHtml(['What each guard is, and what stands in its place in a run without it', ['guard', 'with it', 'without it'], guardRows])}
</body></html>
`;
}
