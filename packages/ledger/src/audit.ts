import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '@sluice/errors';
import type { AuditFinding, AuditInvariant, AuditScope, AuditStep } from './audit-types.js';
import type { Database, Statement } from './database.js';
import type { Caller } from './types.js';

const statement = (name: string, text: string): Statement => ({ name, text });
const statements = {
  range: statement('audit', 'select * from ledger.audit($1, $2)'),
  end: statement('audit_end', 'select ledger.audit_end($1, $2, $3) as id'),
  leases: statement('audit_leases', 'select * from ledger.audit_leases($1)'),
  registry: statement('audit_registry', 'select * from ledger.audit_registry()'),
  next: statement(
    'audit_next',
    'select n.audited, n.behind_ms, f.* from ledger.audit_next($1, $2, $3) n left join lateral unnest(n.findings) f on true',
  ),
  // Of the planner's own books: near enough for an estimate of the time it takes, and free.
  scope: statement(
    'audit_scope',
    `select (select id from ledger.request order by id limit 1) as oldest,
      (select coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'ledger.request'::regclass) as requests`,
  ),
};

/** A claim may be this long past its lease: the sweep runs once a second while any signer lives. */
const leaseGraceMs = 30_000;
/** After an outage leases are long past when the first sweep has yet to run: it is given this time. */
const secondLookMs = 5000;

interface FindingRow {
  invariant: AuditInvariant | null;
  checked: bigint;
  found: bigint;
  rows: string[];
}

const toFindings = (rows: readonly FindingRow[]): AuditFinding[] =>
  rows.flatMap(({ invariant, checked, found, rows: named }) =>
    invariant === null ? [] : [{ invariant, checked: Number(checked), found: Number(found), rows: named }],
  );

/** What is looked at as a whole, in a snapshot each: claims past their lease, and what the registry has sealed. */
export async function auditWhole(
  database: Database,
  pause: (waitMs: number) => Promise<void> = sleep,
): Promise<AuditFinding[]> {
  const sealed = toFindings(await database.call<FindingRow>(statements.registry, []));
  return [...(await auditLeases(database, pause)), ...sealed];
}

/**
 * Claims that the sweep has left past their lease. What is found is looked for again after 5 s, with a grace longer by
 * that: what was about to be swept is not reported.
 */
async function auditLeases(database: Database, pause: (waitMs: number) => Promise<void>): Promise<AuditFinding[]> {
  const look = async (graceMs: number) =>
    toFindings(await database.call<FindingRow>(statements.leases, [Math.round(graceMs)]));
  const beganAtMs = performance.now();
  const first = await look(leaseGraceMs);
  if (first.every(({ found }) => found === 0)) return first;
  await pause(secondLookMs);
  return look(leaseGraceMs + performance.now() - beganAtMs);
}

/** At most `requestsMax` requests from the id `from` on, before `until`, in one snapshot; `next`: where to go on. */
export async function auditRange(
  database: Database,
  range: { from: string; until: string; requestsMax: number },
): Promise<{ findings: AuditFinding[]; next: string | undefined }> {
  const [end] = await database.call<{ id: string }>(statements.end, [range.from, range.until, range.requestsMax]);
  if (end === undefined) throw new SluiceError('internal', 'audit_end gave no row');
  const findings = toFindings(await database.call<FindingRow>(statements.range, [range.from, end.id]));
  return { findings, next: end.id < range.until ? end.id : undefined };
}

/** The next range of the signers' own audit, if no other signer is at it. */
export async function auditNext(database: Database, caller: Caller, requestsMax: number): Promise<AuditStep> {
  const rows = await database.call<FindingRow & { audited: boolean; behind_ms: bigint }>(statements.next, [
    caller.name,
    caller.incarnation,
    requestsMax,
  ]);
  return {
    audited: rows[0]?.audited ?? false,
    behindMs: Number(rows[0]?.behind_ms ?? 0),
    findings: toFindings(rows),
  };
}

/** How much there is to look at, about. */
export async function auditScope(database: Database): Promise<AuditScope> {
  const [row] = await database.call<{ oldest: string | null; requests: bigint }>(statements.scope, []);
  return { oldest: row?.oldest ?? undefined, requestsEstimated: Number(row?.requests ?? 0) };
}
