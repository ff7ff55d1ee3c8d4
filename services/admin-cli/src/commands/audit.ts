import { type AuditFindingView, auditRangeSchema, auditStartSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import { type Audit, auditScreen } from '../screens/audit-screen.js';
import { durationText } from '../screens/time.js';

const rowsMax = 20;

/** The sums of what each range found. */
function add(sums: Map<string, AuditFindingView>, findings: readonly AuditFindingView[]): void {
  for (const finding of findings) {
    const sum = sums.get(finding.invariant) ?? { ...finding, checked: 0, found: 0, rows: [] };
    sums.set(finding.invariant, {
      ...sum,
      checked: sum.checked + finding.checked,
      found: sum.found + finding.found,
      rows: [...sum.rows, ...finding.rows].slice(0, rowsMax),
    });
  }
}

const requestsIn = (sums: ReadonlyMap<string, AuditFindingView>): number => sums.get('accounted')?.checked ?? 0;

/** `120,000 of about 10,000,000 requests, 4 min left`. */
function progressText(requests: number, estimated: number, elapsedMs: number): string {
  const left = requests === 0 ? undefined : (elapsedMs / requests) * Math.max(0, estimated - requests);
  const of = estimated > requests ? ` of about ${estimated.toLocaleString('en')}` : '';
  return `${requests.toLocaleString('en')}${of} requests${left === undefined || of === '' ? '' : `, ${durationText(left)} left`}`;
}

/** Range after range; on standard error how far it is, at a terminal. Ctrl-C ends it early. */
async function audit(context: CommandContext, command: Command, full: boolean): Promise<Audit> {
  const { terminal, colors } = context;
  const api = context.api(command);
  const beganAtMs = terminal.now().getTime();
  const elapsedMs = (): number => terminal.now().getTime() - beganAtMs;
  const start = await api.get('/admin/v1/audit', auditStartSchema);
  const sums = new Map<string, AuditFindingView>();
  add(sums, start.findings);
  let next: string | null = full ? start.oldest_request : start.recent_from;
  let toldAtMs = 0;
  while (next !== null && !terminal.interrupted()) {
    const range: { next: string | null; findings: AuditFindingView[] } = await api.get(
      `/admin/v1/audit/${next}`,
      auditRangeSchema,
    );
    add(sums, range.findings);
    next = range.next;
    // From here on Ctrl-C is noticed instead of ending the process.
    await terminal.pause(0);
    if (next === null || !terminal.interactive || elapsedMs() - toldAtMs < 1000) continue;
    toldAtMs = elapsedMs();
    const estimated = full ? start.requests_estimated : 0;
    terminal.err(colors.dim(progressText(requestsIn(sums), estimated, toldAtMs)));
  }
  return {
    registry: start.registry,
    at: start.at,
    full,
    complete: next === null,
    requests: requestsIn(sums),
    duration_ms: elapsedMs(),
    violations: [...sums.values()].reduce((sum, { found }) => sum + found, 0),
    invariants: [...sums.values()],
  };
}

/** `sluice audit live`: the invariants of the ledger, recomputed from its rows while everything runs. */
export function addAudit(program: Command, context: CommandContext): void {
  program
    .command('audit')
    .description('recompute what must always hold')
    .command('live')
    .description('recompute the invariants of the ledger from its rows, while it works; exit code 1 on a violation')
    .option('--full', 'every request there is; otherwise those of the last ten minutes (a signer looks at all in turn)')
    .addHelpText(
      'after',
      `
It only reads, a bounded range at a time, and holds up nobody. Each range is looked at in one snapshot, so that what
is on its way is never mistaken for a violation. Ctrl-C ends it early and shows what was found so far.

Examples:
  $ sluice audit live
  $ sluice audit live --full
  $ sluice audit live --json | jq '.invariants[] | select(.found > 0)'`,
    )
    .action(async (options: { full?: boolean }, command: Command) => {
      const answer = await audit(context, command, options.full === true);
      show(context, command, answer, () => auditScreen(answer, context.colors));
      if (answer.violations > 0 || !answer.complete) context.endWith(exitCodes.failed);
    });
}
