import type { Status } from '@sluice/registry-protocol';
import type { Colors } from 'picocolors/types.js';
import { quarantineText } from './quarantine-text.js';
import { heardText, paintStanding } from './subscribers-screen.js';
import { table } from './table.js';
import { durationText, timeText } from './time.js';

type Paint = (text: string) => string;

/** What is more than this of a kind is told as a number: it has to stay one screen. */
const rowsMax = 8;
const noneText = '–';

function paintState(colors: Colors, state: string): string {
  const good = new Set(['active']);
  const passing = new Set(['pending', 'disabled', 'retiring']);
  const paint: Paint = good.has(state) ? colors.green : passing.has(state) ? colors.yellow : colors.red;
  return paint(state);
}

/** A title and its lines; on one line when there is only something to say. */
function section(colors: Colors, title: string, text: string): string {
  return `${colors.bold(title)}\n${text}`;
}
const line = (colors: Colors, title: string, text: string): string => `${colors.bold(title.padEnd(13))} ${text}`;

function firstOf<R>(rows: readonly R[], show: (rows: readonly R[]) => string): string {
  const more = rows.length - rowsMax;
  return show(rows.slice(0, rowsMax)) + (more > 0 ? `\n… and ${more} more: sluice status --json` : '');
}

const countText = (count: number): string => (count === 0 ? noneText : count.toLocaleString('en'));
const rateText = (perSecond: number | null): string => (perSecond === null ? noneText : perSecond.toLocaleString('en'));

/** Those that are as they should be are counted; the others, and what waits for them, are shown. */
function cas({ cas: rows }: Status, colors: Colors): string {
  if (rows.length === 0) return line(colors, 'CAs', colors.dim('none yet: sluice ca create --help'));
  const odd = rows.filter((ca) => ca.state !== 'active' || ca.quarantined || ca.quarantined_tokens.length > 0);
  const active = `${colors.green(String(rows.length - odd.length))} active`;
  if (odd.length === 0) return line(colors, 'CAs', active);
  const shown = firstOf(odd, (some) =>
    table(
      ['NAME', 'STATE', 'KEY GROUP', 'EXPIRES'],
      some.map((ca) => [
        ca.name,
        paintState(colors, ca.state) + colors.red(quarantineText(ca)),
        ca.key_group,
        timeText(ca.not_after),
      ]),
    ),
  );
  return `${line(colors, 'CAs', active)}, and\n${shown}`;
}

/** Most of it of one account: it is named, with its share. */
function mostOf({ top_account, top_open, queued, signing }: WorkRow): string {
  if (top_account === null) return noneText;
  return `${top_account} ${Math.round((100 * top_open) / Math.max(1, queued + signing))} %`;
}

type WorkRow = Status['work'][number];
type Column = readonly [title: string, of: (row: WorkRow) => string];

/** What is set aside takes columns only where there is any. */
function workColumns(rows: readonly WorkRow[]): readonly Column[] {
  const setAside: readonly (readonly [string, (row: WorkRow) => number])[] = [
    ['HELD', ({ held }) => held],
    ['PARKED', ({ parked, failed }) => parked + failed],
  ];
  const used = setAside.filter(([, of]) => rows.some((row) => of(row) > 0));
  return [
    ['CLASS', (row) => row.class],
    ['CA', ({ ca }) => ca],
    ['OPEN', ({ queued, signing }) => countText(queued + signing)],
    ...used.map(([title, of]): Column => [title, (row) => countText(of(row))]),
    ['OLDEST', ({ oldest_age_ms }) => (oldest_age_ms === 0 ? noneText : durationText(oldest_age_ms))],
    ['IN/S', ({ arrivals_per_second }) => rateText(arrivals_per_second)],
    ['OUT/S', ({ drained_per_second }) => rateText(drained_per_second)],
    ['WAIT', ({ predicted_wait_ms }) => (predicted_wait_ms === null ? '?' : durationText(predicted_wait_ms))],
    ['MOST BY', mostOf],
  ];
}

function work({ work: rows }: Status, colors: Colors): string {
  if (rows.length === 0) return line(colors, 'What ages', colors.dim('nothing is open'));
  const columns = workColumns(rows);
  const head = columns.map(([title]) => title);
  const shown = firstOf(rows, (some) =>
    table(
      head,
      some.map((row) => columns.map(([, of]) => of(row))),
    ),
  );
  return section(colors, 'What ages', shown);
}

function floods({ floods: rows }: Status, colors: Colors): string {
  if (rows.length === 0) return line(colors, 'What floods', colors.dim('nothing'));
  const shown = table(
    ['CA', 'ACCOUNT', 'CODE', 'PER MINUTE', 'REFUSED BY'],
    rows.map(({ ca, account, code, per_minute, from }) => [
      ca === '' ? noneText : ca,
      account === '' ? noneText : account,
      code,
      Math.round(per_minute).toLocaleString('en'),
      from === 'front-ends' ? 'front ends' : 'ledger, after it was accepted',
    ]),
  );
  return section(colors, 'What floods', shown);
}

function guards({ guards: rows }: Status, colors: Colors): string {
  if (rows.length === 0) return line(colors, 'Guards', colors.dim('none is active'));
  const shown = firstOf(rows, (some) =>
    some.map(({ guard, subject, detail }) => `${colors.yellow(guard)} ${subject}: ${detail}`).join('\n'),
  );
  return section(colors, 'Guards', shown);
}

/** Who has applied the epoch, is heard, and says that it is ready needs no line. */
function subscribers({ at, epoch, subscribers: rows }: Status, colors: Colors): string {
  if (rows.length === 0) return line(colors, 'Subscribers', colors.dim('none'));
  const odd = rows.filter(
    ({ standing, silent, report }) => standing !== 'applied' || silent || report?.ready === false,
  );
  const well = rows.length - odd.length;
  const summary = `${colors.green(String(well))} of ${rows.length} ready and at epoch ${epoch}`;
  if (odd.length === 0) return line(colors, 'Subscribers', summary);
  const shown = firstOf(odd, (some) =>
    table(
      ['NAME', 'SERVICE', 'STANDING', 'READY', 'EPOCH', 'LAST HEARD'],
      some.map((row) => [
        row.name,
        row.service,
        paintStanding(colors, row),
        readyText(row, colors),
        `${row.acknowledged_epoch}/${epoch}`,
        heardText(row.heard_at, at),
      ]),
    ),
  );
  return `${line(colors, 'Subscribers', summary)}, not\n${shown}`;
}

function readyText({ standing, report }: Status['subscribers'][number], colors: Colors): string {
  // What a process said before it went silent is no news.
  if (report === null || (standing !== 'applied' && standing !== 'pending')) return noneText;
  return report.ready ? colors.green('yes') : colors.red('no');
}

function ends({ at, ends_since, recent_ends }: Status, colors: Colors): string {
  const said = recent_ends.map(({ state, code, count }) => `${count} ${state}${code === null ? '' : ` ${code}`}`);
  const lately = `in ${durationText(Date.parse(at) - Date.parse(ends_since))}`;
  return line(colors, 'Ends', said.length === 0 ? colors.dim(`none ${lately}`) : `${said.join(' · ')} ${lately}`);
}

function proposed({ proposals }: Status): string {
  return proposals
    .map(({ verb, subject, proposed_by, reason, expires_at }) => {
      return `${verb} ${subject}: ${proposed_by}, "${reason}", until ${timeText(expires_at)}`;
    })
    .join('\n');
}

function steps({ next_steps }: Status, colors: Colors): string {
  if (next_steps.length === 0) return line(colors, 'What to do', colors.green('nothing: all is well'));
  const arrow = colors.yellow('→');
  return section(
    colors,
    'What to do next',
    firstOf(next_steps, (some) => some.map((step) => `${arrow} ${step}`).join('\n')),
  );
}

/** Everything an operator needs first, on one screen: what is well takes a line, what is not takes its lines. */
export function statusScreen(status: Status, colors: Colors): string {
  const { proposals } = status;
  return [
    `${colors.bold('Sluice')}  registry ${status.registry} · epoch ${status.epoch} · ${timeText(status.at)}`,
    cas(status, colors),
    work(status, colors),
    floods(status, colors),
    guards(status, colors),
    subscribers(status, colors),
    ...(proposals.length > 0 ? [section(colors, 'Waiting for a second operator', proposed(status))] : []),
    ends(status, colors),
    steps(status, colors),
  ].join('\n');
}
