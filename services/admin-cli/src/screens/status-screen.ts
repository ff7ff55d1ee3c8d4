import type { Status } from '@sluice/registry-protocol';
import type { Colors } from 'picocolors/types.js';
import { quarantineText } from './quarantine-text.js';
import { heardText, paintStanding } from './subscribers-screen.js';
import { table } from './table.js';
import { durationText, timeText } from './time.js';

type Paint = (text: string) => string;

function paintState(colors: Colors, state: string): string {
  const good = new Set(['active']);
  const passing = new Set(['pending', 'disabled', 'retiring']);
  const paint: Paint = good.has(state) ? colors.green : passing.has(state) ? colors.yellow : colors.red;
  return paint(state);
}

function section(colors: Colors, title: string, text: string, empty: string): string {
  return `${colors.bold(title)}\n${text === '' ? colors.dim(empty) : text}`;
}

function cas({ cas: rows }: Status, colors: Colors): string {
  if (rows.length === 0) return '';
  return table(
    ['NAME', 'STATE', 'KEY', 'KEY GROUP', 'ISSUER', 'EXPIRES'],
    rows.map((ca) => [
      ca.name,
      paintState(colors, ca.state) + colors.red(quarantineText(ca)),
      ca.key_algorithm,
      ca.key_group,
      ca.issuer === ca.name ? '(itself)' : ca.issuer,
      timeText(ca.not_after),
    ]),
  );
}

function lanes({ lanes: rows }: Status): string {
  const open = rows.filter(({ queued, signing }) => queued + signing > 0);
  if (open.length === 0) return '';
  return table(
    ['LANE', 'QUEUED', 'SIGNING', 'OLDEST WAITS'],
    open.map(({ lane, queued, signing, oldest_age_ms }) => [
      lane,
      String(queued),
      String(signing),
      oldest_age_ms === 0 ? '–' : durationText(oldest_age_ms),
    ]),
  );
}

function subscribers({ at, epoch, subscribers: rows }: Status, colors: Colors): string {
  if (rows.length === 0) return '';
  return table(
    ['NAME', 'SERVICE', 'INCARNATION', 'STANDING', 'READY', 'EPOCH', 'LAST HEARD'],
    rows.map((row) => [
      row.name,
      row.service,
      row.incarnation,
      paintStanding(colors, row.standing),
      readyText(row, colors),
      `${row.acknowledged_epoch}/${epoch}`,
      heardText(row.heard_at, at),
    ]),
  );
}

function readyText({ standing, report }: Status['subscribers'][number], colors: Colors): string {
  // What a process said before it went silent is no news.
  if (report === null || (standing !== 'applied' && standing !== 'pending')) return '–';
  return report.ready ? colors.green('yes') : colors.red('no');
}

function ends({ recent_ends }: Status): string {
  return recent_ends.map(({ state, code, count }) => `${count} ${state}${code === null ? '' : ` ${code}`}`).join(' · ');
}

function proposed({ proposals }: Status): string {
  return proposals
    .map(({ verb, subject, proposed_by, reason, expires_at }) => {
      return `${verb} ${subject}: ${proposed_by}, "${reason}", until ${timeText(expires_at)}`;
    })
    .join('\n');
}

/** Everything an operator needs first, on one screen. */
export function statusScreen(status: Status, colors: Colors): string {
  const { next_steps, proposals } = status;
  const steps = next_steps.map((step) => `${colors.yellow('→')} ${step}`).join('\n');
  return [
    `${colors.bold('Sluice')}  registry ${status.registry} · epoch ${status.epoch} · ${timeText(status.at)}`,
    section(colors, 'CAs', cas(status, colors), 'none yet: sluice ca create --help'),
    section(colors, 'Lanes with open work', lanes(status), 'none'),
    section(colors, 'Subscribers', subscribers(status, colors), 'none'),
    ...(proposals.length > 0 ? [section(colors, 'Waiting for a second operator', proposed(status), '')] : []),
    section(colors, 'Ends of the last hour', ends(status), 'none'),
    section(colors, 'What to do next', steps, 'nothing: all is well'),
  ].join('\n\n');
}
