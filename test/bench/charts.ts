import { escapeText } from './page-style.js';

// Charts as SVG text: what the page needs and no more. Positions are in a box 560 wide.

const width = 560;
const left = 170;
const right = 70;
const rowHeight = 26;
const colours = 5;

const text = (x: number, y: number, content: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escapeText(content)}</text>`;
const box = (height: number, content: string): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img">${content}</svg>`;
const short = (value: number): string =>
  value >= 100_000
    ? `${(value / 1000).toFixed(0)}k`
    : value >= 100
      ? value.toFixed(0)
      : value.toFixed(value >= 10 ? 1 : 2);

/** A chart with its title above and a note below. */
export const figure = (title: string, svg: string, note: string): string =>
  `<figure><figcaption>${escapeText(title)}</figcaption>${svg}<p>${escapeText(note)}</p></figure>`;

/** Horizontal bars, the longest across. */
export function barChart(bars: readonly { name: string; value: number; strong: boolean }[]): string {
  const max = Math.max(1e-9, ...bars.map(({ value }) => value));
  const rows = bars.map(({ name, value, strong }, index) => {
    const y = index * rowHeight;
    const long = ((width - left - right) * value) / max;
    return (
      text(left - 8, y + 17, name, 'text-anchor="end"') +
      `<rect x="${left}" y="${y + 5}" width="${long.toFixed(1)}" height="16" rx="2" class="${strong ? 's0' : 'weak'}"/>` +
      text(left + long + 6, y + 17, short(value))
    );
  });
  return box(bars.length * rowHeight + 4, rows.join(''));
}

/** Horizontal bars made of parts, with a legend of the parts' names. */
export function stackedBars(bars: readonly { name: string; parts: Readonly<Record<string, number>> }[]): string {
  const names = [...new Set(bars.flatMap(({ parts }) => Object.keys(parts)))];
  const total = (parts: Readonly<Record<string, number>>): number =>
    Object.values(parts).reduce((sum, value) => sum + value, 0);
  const max = Math.max(1e-9, ...bars.map(({ parts }) => total(parts)));
  const rows = bars.map(({ name, parts }, index) => {
    const y = index * rowHeight;
    let x = left;
    const pieces = Object.entries(parts).map(([part, value]) => {
      const long = ((width - left - right) * value) / max;
      const piece = `<rect x="${x.toFixed(1)}" y="${y + 5}" width="${long.toFixed(1)}" height="16" class="s${names.indexOf(part) % colours}"><title>${escapeText(part)} ${value.toFixed(2)}</title></rect>`;
      x += long;
      return piece;
    });
    return (
      text(left - 8, y + 17, name, 'text-anchor="end"') + pieces.join('') + text(x + 6, y + 17, short(total(parts)))
    );
  });
  const bottom = bars.length * rowHeight;
  const { svg, height } = legend(names, bottom + 20, 's');
  return box(bottom + 12 + height, rows.join('') + svg);
}

const legendLine = 18;

/** Entries one after the other, on as many lines as they need; `y` is the foot of the first. */
function legend(names: readonly string[], y: number, kind: 's' | 'l'): { svg: string; height: number } {
  let x = 50;
  let foot = y;
  const entries = names.map((name, index) => {
    const long = 34 + name.length * 7;
    if (x + long > width && x > 50) {
      x = 50;
      foot += legendLine;
    }
    const mark =
      kind === 's'
        ? `<rect x="${x}" y="${foot - 9}" width="10" height="10" class="s${index % colours}"/>`
        : `<path d="M${x} ${foot - 4}h14" class="l${index % colours}"/>`;
    const entry = mark + text(x + 18, foot, name);
    x += long;
    return entry;
  });
  return { svg: entries.join(''), height: foot - y + legendLine };
}

type Point = readonly [x: number, y: number];
export interface LineChart {
  readonly series: readonly { name: string; points: readonly Point[] }[];
  readonly xTicks: readonly (readonly [x: number, label: string])[];
  /** A logarithmic y axis; otherwise it begins at 0. */
  readonly yLog?: boolean;
  /** From x to x. */
  readonly shaded?: readonly [from: number, to: number] | undefined;
  /** Of the y axis, so that charts can be compared; otherwise a little above the highest point. */
  readonly yMax?: number | undefined;
  /** Of the plot. */
  readonly height?: number | undefined;
}

/** 1, 2 or 5 times a power of ten, about five of them up to max. */
function ticksUpTo(max: number): number[] {
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? power;
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, index) => index * step);
}

/** Lines over a common x axis. */
export function lineChart({
  series,
  xTicks,
  yLog = false,
  shaded,
  yMax: yMaxSet,
  height: plotHeight = 240,
}: LineChart): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return box(30, text(50, 20, 'nothing was measured'));
  const [top, bottom, from, to] = [10, 10 + plotHeight, 50, width - 15];
  const xs = [...points.map(([x]) => x), ...xTicks.map(([x]) => x)];
  const [xMin, xMax] = [Math.min(...xs), Math.max(...xs)];
  const ys = points.map(([, y]) => y);
  const yMax = yMaxSet ?? (Math.max(...ys) * (yLog ? 1.2 : 1.1) || 1);
  const yMin = yLog ? Math.max(0.01, Math.min(...ys) * 0.8) : 0;
  const scaled = (y: number): number => (yLog ? Math.log(Math.max(y, yMin) / yMin) / Math.log(yMax / yMin) : y / yMax);
  const px = (x: number): number => from + ((x - xMin) / Math.max(1e-9, xMax - xMin)) * (to - from);
  const py = (y: number): number => bottom - scaled(y) * (bottom - top);
  const decades = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];
  const yTicks = yLog ? decades.filter((tick) => tick >= yMin && tick <= yMax) : ticksUpTo(yMax);
  const grid = yTicks.map(
    (tick) =>
      `<path d="M${from} ${py(tick).toFixed(1)}H${to}" class="grid"/>${text(from - 6, py(tick) + 4, short(tick).replace(/\.0+$/, ''), 'text-anchor="end" class="quiet"')}`,
  );
  const marks = xTicks.map(([x, label]) => text(px(x), bottom + 18, label, 'text-anchor="middle" class="quiet"'));
  const shade =
    shaded === undefined
      ? ''
      : `<rect x="${px(Math.max(xMin, shaded[0])).toFixed(1)}" y="${top}" width="${(px(Math.min(xMax, shaded[1])) - px(Math.max(xMin, shaded[0]))).toFixed(1)}" height="${bottom - top}" class="shade"/>`;
  const lines = series.map(
    (one, index) =>
      `<path d="${one.points.map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join('')}" class="l${index % colours}"/>`,
  );
  const { svg, height } = legend(
    series.map(({ name }) => name),
    bottom + 40,
    'l',
  );
  return box(bottom + 30 + height, shade + grid.join('') + marks.join('') + lines.join('') + svg);
}
