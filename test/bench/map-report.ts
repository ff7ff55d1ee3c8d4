import { figure } from './charts.js';
import { escapeText, style } from './page-style.js';
import type { MapCell } from './recovery-map.js';
import { type Table, tableText } from './table-text.js';

/** Every cell at this load or less recovers within this time: the goal. */
const loadPercentMax = 80;
const recoveredSecondsMax = 60;

const recoveredText = ({ recoveredSeconds }: MapCell): string =>
  recoveredSeconds === undefined ? 'not' : `${recoveredSeconds} s`;

/** Whether it asks for more than the goal allows. */
const isShort = ({ loadPercent, recoveredSeconds = Number.POSITIVE_INFINITY }: MapCell): boolean =>
  loadPercent <= loadPercentMax && recoveredSeconds > recoveredSecondsMax;

export function mapTable(cells: readonly MapCell[]): Table {
  return [
    `Metastability map: at ${loadPercentMax} % load and less, back within ${recoveredSecondsMax} s of every cut`,
    [
      'load %',
      'cut for s',
      'capacity cut by %',
      'back after',
      'served in the cut %',
      'calls per order',
      'workload ×',
      'capacity ×',
      '',
    ],
    cells.map((cell) => [
      String(cell.loadPercent),
      String(cell.cutSeconds),
      String(cell.cutPercent),
      recoveredText(cell),
      (cell.servedShareInCut * 100).toFixed(0),
      cell.callsPerOrder.toFixed(2),
      cell.workAmplification.toFixed(2),
      cell.capacityAmplification.toFixed(2),
      isShort(cell) ? '✗ short' : '✓',
    ]),
  ];
}

const [left, top, cellWidth, cellHeight] = [150, 30, 95, 34];
const darkestSeconds = 60;

/** Rows are load and length of the cut, columns its depth; the darker, the longer it took. */
function mapPicture(cells: readonly MapCell[]): string {
  const columns = [...new Set(cells.map(({ cutPercent }) => cutPercent))];
  const rows = [...new Set(cells.map(({ loadPercent, cutSeconds }) => `load ${loadPercent} %, cut ${cutSeconds} s`))];
  const place = (cell: MapCell): readonly [x: number, y: number] => [
    left + columns.indexOf(cell.cutPercent) * cellWidth,
    top + rows.indexOf(`load ${cell.loadPercent} %, cut ${cell.cutSeconds} s`) * cellHeight,
  ];
  const text = (x: number, y: number, content: string, more: string): string =>
    `<text x="${x}" y="${y}" ${more}>${escapeText(content)}</text>`;
  const boxes = cells.map((cell) => {
    const [x, y] = place(cell);
    const seconds = Math.min(darkestSeconds, cell.recoveredSeconds ?? darkestSeconds);
    const opacity = (0.08 + (0.8 * seconds) / darkestSeconds).toFixed(2);
    return (
      `<rect x="${x}" y="${y}" width="${cellWidth - 3}" height="${cellHeight - 3}" rx="3" class="${isShort(cell) ? 's4' : 's1'}" opacity="${opacity}"/>` +
      text(x + cellWidth / 2, y + 21, recoveredText(cell), 'text-anchor="middle"')
    );
  });
  const heads = columns.map((percent, index) =>
    text(left + (index + 0.5) * cellWidth, top - 10, `− ${percent} %`, 'text-anchor="middle" class="quiet"'),
  );
  const names = rows.map((name, index) =>
    text(left - 10, top + index * cellHeight + 21, name, 'text-anchor="end" class="quiet"'),
  );
  return `<svg viewBox="0 0 560 ${top + rows.length * cellHeight}" role="img">${[...heads, ...names, ...boxes].join('')}</svg>`;
}

/** The map as one page that fetches nothing. */
export function mapPage(cells: readonly MapCell[], machine: string, at: string): string {
  const picture = figure(
    'Seconds until it served everybody again, by depth of the cut',
    mapPicture(cells),
    'Columns: how much of the signing capacity was taken away. Red: longer than the goal allows.',
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice, metastability map, ${escapeText(at.slice(0, 10))}</title><style>${style}</style></head><body>
<h1>Metastability map</h1>
<p class="machine">${escapeText(machine)}<br>${escapeText(at.slice(0, 16).replace('T', ' '))} UTC · clients that try three times, when they are told to</p>
<div class="charts">${picture}</div>
<pre>${escapeText(tableText(mapTable(cells)))}</pre>
</body></html>
`;
}
