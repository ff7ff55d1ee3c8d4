import type { AuditFindingView } from '@sluice/registry-protocol';
import type { Colors } from 'picocolors/types.js';
import { table } from './table.js';
import { durationText, timeText } from './time.js';

/** What `sluice audit live` found. */
export interface Audit {
  readonly registry: string;
  readonly at: string;
  /** Every request, not only those of the last ten minutes. */
  readonly full: boolean;
  /** False: it was ended early. */
  readonly complete: boolean;
  readonly requests: number;
  readonly duration_ms: number;
  readonly violations: number;
  readonly invariants: readonly AuditFindingView[];
}

function brokenText({ invariant, found, rows }: AuditFindingView, colors: Colors): string {
  const more = found > rows.length ? [`  and ${found - rows.length} more`] : [];
  return [`${colors.red('✗')} ${colors.bold(invariant)}`, ...rows.map((row) => `  ${row}`), ...more].join('\n');
}

/** One line per invariant, then the rows of those that are broken. */
export function auditScreen(audit: Audit, colors: Colors): string {
  const { requests, invariants, violations } = audit;
  const rows = [...invariants]
    .sort((a, b) => a.invariant.localeCompare(b.invariant))
    .map(({ invariant, says, checked, found }) => [
      found === 0 ? colors.green('✓') : colors.red('✗'),
      invariant,
      checked.toLocaleString('en'),
      found.toLocaleString('en'),
      says,
    ]);
  const which = audit.full ? 'all requests' : 'requests of the last ten minutes';
  const verdict =
    violations > 0
      ? colors.red(`${violations} rows break an invariant. Keep the database as it is, and find out how: sluice why.`)
      : colors.green('Every invariant holds.');
  return [
    `${colors.bold('Audit')}  ${which} (${requests.toLocaleString('en')}) · ${timeText(audit.at)} · took ${durationText(audit.duration_ms)}`,
    table(['', 'INVARIANT', 'ROWS', 'BROKEN', 'WHAT MUST HOLD'], rows),
    ...invariants.filter(({ found }) => found > 0).map((finding) => brokenText(finding, colors)),
    audit.complete ? verdict : `${verdict} ${colors.yellow('It was ended early: not everything was looked at.')}`,
  ].join('\n\n');
}
