import { type Code, SluiceError } from '@sluice/errors';
import type { EndState, Purpose, ShelfState } from '@sluice/issuance';
import { auditNext, auditWhole } from './audit.js';
import { byteas, integers, texts, timestamps, uuids } from './binary-array.js';
import { createDatabase, type Database, type DatabaseOptions, type Statement } from './database.js';
import { isFaultOfOneRow } from './ledger-error.js';
import { only } from './only.js';
import { enrol, laneLoads, renew } from './subscriber-verbs.js';
import type {
  ClaimedRequest,
  ClaimOptions,
  ClaimResult,
  Completion,
  CompletionVerdict,
  EndedRequest,
  Release,
  SignerLedger,
} from './types.js';

const statement = (name: string, text: string): Statement => ({ name, text });
const statements = {
  registerTemplates: statement(
    'register_templates',
    'select ledger.register_templates($1, $2, $3, $4::text[], $5::integer[], $6::bytea[])',
  ),
  knowsToken: statement('knows_token', 'select registry.knows_token($1) as known'),
  attachToken: statement('attach_token', 'select registry.attach_token($1, $2, $3, $4, $5)'),
  keyMissing: statement('key_missing', 'select registry.key_missing($1, $2, $3, $4, $5) as held'),
  claim: statement(
    'claim',
    `select c.next_account, c.next_ca, r.* from ledger.claim($1, $2, $3, $4, $5, $6, $7::uuid[], $8::bytea[], $9, $10, $11, $12, $13::text[]) c
     left join lateral unnest(c.rows) r on true`,
  ),
  claimAgain: statement(
    'claim_again',
    'select null as next_account, null as next_ca, r.* from ledger.claim_again($1, $2, $3) c cross join lateral unnest(c.rows) r',
  ),
  blockedKeys: statement('blocked_keys', 'select b as "spkiSha256" from registry.blocked_keys($1::bytea[]) b'),
  complete: statement(
    'complete',
    'select * from ledger.complete($1, $2::uuid[], $3::integer[], $4::bytea[], $5::timestamptz[], $6::timestamptz[], $7::bytea[])',
  ),
  completeGenerate: statement('complete_generate', 'select ledger.complete_generate($1, $2, $3, $4) as verdict'),
  completeCaCertificate: statement(
    'complete_ca_certificate',
    'select ledger.complete_ca_certificate($1, $2, $3, $4, $5, $6, $7) as verdict',
  ),
  reject: statement('reject', 'select ledger.reject($1, $2::uuid[], $3::integer[], $4::text[], $5::text[])'),
  release: statement('release', 'select ledger.release($1, $2::uuid[], $3::integer[], $4::text[])'),
  burn: statement('burn', 'select * from ledger.burn($1, $2::uuid[], $3::integer[], $4::text[])'),
  reportCapacity: statement('report_capacity', 'select ledger.report_capacity($1, $2, $3, $4)'),
  sweep: statement('sweep', 'select * from ledger.sweep($1, $2)'),
};

interface ClaimedRow {
  next_account: string | null;
  next_ca: string | null;
  verdict: 'signing' | 'held' | 'expired' | 'rejected' | 'stale' | null;
  request_id: string;
  code: Code | null;
  purpose: Purpose;
  account: string;
  profile: string | null;
  profile_revision: number | null;
  accepted_revision: number | null;
  ca: string;
  subject_ca: string | null;
  content: string;
  spki: Buffer;
  attempt: number;
  serial: Buffer | null;
  not_before: Date | null;
  template_hash: Buffer | null;
  epoch: bigint | null;
  accepted_at: Date;
}

function toClaimed(row: ClaimedRow): ClaimedRequest {
  return {
    requestId: row.request_id,
    purpose: row.purpose,
    account: row.account,
    profile: row.profile ?? '',
    profileRevision: row.profile_revision ?? 0,
    acceptedRevision: row.accepted_revision ?? 0,
    ca: row.ca,
    subjectCa: row.subject_ca ?? undefined,
    content: row.content,
    spki: row.spki,
    attempt: row.attempt,
    serial: row.serial ?? new Uint8Array(),
    notBefore: row.not_before ?? row.accepted_at,
    templateHash: row.template_hash ?? new Uint8Array(),
    epoch: row.epoch ?? 0n,
    acceptedAt: row.accepted_at,
  };
}

function toClaimResult(rows: readonly ClaimedRow[]): ClaimResult {
  const claimed: ClaimedRequest[] = [];
  const ended: EndedRequest[] = [];
  const stale = new Set<string>();
  for (const row of rows) {
    if (row.verdict === 'signing') claimed.push(toClaimed(row));
    else if (row.verdict === 'expired' || row.verdict === 'rejected')
      ended.push({ requestId: row.request_id, state: row.verdict, code: row.code ?? undefined });
    else if (row.verdict === 'stale') stale.add(row.profile ?? '');
  }
  const first = rows[0];
  const cursor =
    first?.next_account != null && first.next_ca != null
      ? { account: first.next_account, ca: first.next_ca }
      : undefined;
  return { claimed, ended, stale: [...stale], cursor };
}

/** Rows go in sorted by id, as every verb locks them. */
const sorted = <T extends { requestId: string }>(rows: readonly T[]): T[] =>
  [...rows].sort((a, b) => (a.requestId < b.requestId ? -1 : a.requestId > b.requestId ? 1 : 0));
const bytes = (value: Uint8Array): Buffer => Buffer.from(value.buffer, value.byteOffset, value.byteLength);
const ids = (rows: readonly { requestId: string }[]): Buffer => uuids(rows.map((row) => row.requestId));
const attempts = (rows: readonly { attempt: number }[]): Buffer => integers(rows.map((row) => row.attempt));
const codes = (rows: readonly { code: Code }[]): Buffer => texts(rows.map((row) => row.code));

async function claim(database: Database, options: ClaimOptions): Promise<ClaimResult> {
  const rows = await database.call<ClaimedRow>(statements.claim, [
    options.caller.name,
    options.caller.incarnation,
    options.claimId,
    options.lane.class,
    options.lane.keyGroup,
    options.countMax,
    options.requestIds === undefined ? null : uuids(options.requestIds),
    byteas(options.serials),
    options.compiler,
    options.leaseMs,
    options.cursor?.account ?? null,
    options.cursor?.ca ?? null,
    texts(options.skipCas ?? []),
  ]);
  return toClaimResult(rows);
}

async function complete(
  database: Database,
  caller: string,
  completions: readonly Completion[],
): Promise<CompletionVerdict[]> {
  const order = sorted(completions);
  const rows = await database.call<{ ordinal: number; verdict: CompletionVerdict }>(statements.complete, [
    caller,
    ids(order),
    attempts(order),
    byteas(order.map((row) => row.serial)),
    timestamps(order.map((row) => row.notBefore)),
    timestamps(order.map((row) => row.notAfter)),
    byteas(order.map((row) => row.certificate)),
  ]);
  const verdicts = new Map(rows.map((row) => [order[row.ordinal - 1], row.verdict]));
  return completions.map((completion) => verdicts.get(completion) ?? 'late');
}

/** One commit; when a row is at fault, halves, so that it harms only itself. Its error is thrown when all else is stored. */
async function completeSplitting(
  database: Database,
  caller: string,
  completions: readonly Completion[],
): Promise<CompletionVerdict[]> {
  try {
    return await complete(database, caller, completions);
  } catch (thrown) {
    if (completions.length < 2 || !(thrown instanceof SluiceError && isFaultOfOneRow(thrown))) throw thrown;
    const middle = completions.length >> 1;
    const halves = await Promise.allSettled([
      completeSplitting(database, caller, completions.slice(0, middle)),
      completeSplitting(database, caller, completions.slice(middle)),
    ]);
    return halves.flatMap((half) => {
      if (half.status === 'rejected') throw half.reason;
      return half.value;
    });
  }
}

/** The ledger as a signer may use it. */
export function createSignerLedger(options: DatabaseOptions): SignerLedger {
  const database = createDatabase(options);
  return {
    enrol: (name, appliedEpoch) => enrol(database, name, appliedEpoch),
    renew: (caller, appliedEpoch, report) => renew(database, caller, appliedEpoch, report),
    async registerTemplates(caller, compiler, templates) {
      await database.call(statements.registerTemplates, [
        caller.name,
        caller.incarnation,
        compiler,
        texts(templates.map((template) => template.profile)),
        integers(templates.map((template) => template.revision)),
        byteas(templates.map((template) => template.hash)),
      ]);
    },
    async knowsToken(token) {
      return (await only<{ known: boolean }>(database, statements.knowsToken, [token])).known;
    },
    async attachToken({ name, incarnation }, { token, keyGroup, identity }) {
      await database.call(statements.attachToken, [name, incarnation, token, keyGroup, Buffer.from(identity)]);
    },
    async keyMissing(caller, { ca, token, detail }) {
      const values = [caller.name, caller.incarnation, ca, token, detail];
      return (await only<{ held: 'ca-token' | 'ca' }>(database, statements.keyMissing, values)).held;
    },
    claim: (claimOptions) => claim(database, claimOptions),
    async claimAgain(caller, claimId) {
      return toClaimResult(
        await database.call<ClaimedRow>(statements.claimAgain, [caller.name, caller.incarnation, claimId]),
      );
    },
    complete: (caller, completions) => completeSplitting(database, caller.name, completions),
    async blockedKeys(spkiSha256s) {
      const rows = await database.call<{ spkiSha256: Uint8Array }>(statements.blockedKeys, [
        spkiSha256s.map((hash) => Buffer.from(hash)),
      ]);
      return rows.map(({ spkiSha256 }) => spkiSha256);
    },
    async completeCaCertificate(caller, done) {
      const values = [
        caller.name,
        done.requestId,
        done.attempt,
        bytes(done.serial),
        done.notBefore,
        done.notAfter,
        bytes(done.certificate),
      ];
      const [row] = await database.call<{ verdict: CompletionVerdict }>(statements.completeCaCertificate, values);
      return row?.verdict ?? 'late';
    },
    async completeGenerate(caller, done) {
      const [row] = await database.call<{ verdict: CompletionVerdict }>(statements.completeGenerate, [
        caller.name,
        done.requestId,
        done.attempt,
        bytes(done.spki),
      ]);
      return row?.verdict ?? 'late';
    },
    async reject(caller, rejections) {
      const order = sorted(rejections);
      await database.call(statements.reject, [
        caller.name,
        ids(order),
        attempts(order),
        codes(order),
        texts(order.map((row) => row.detail)),
      ]);
    },
    async release(caller, releases: readonly Release[]) {
      const order = sorted(releases);
      await database.call(statements.release, [caller.name, ids(order), attempts(order), codes(order)]);
    },
    async burn(caller, releases) {
      const order = sorted(releases);
      const rows = await database.call<{ request_id: string; state: 'queued' | ShelfState }>(statements.burn, [
        caller.name,
        ids(order),
        attempts(order),
        codes(order),
      ]);
      return rows.flatMap((row) => (row.state === 'queued' ? [] : [{ requestId: row.request_id, state: row.state }]));
    },
    async reportCapacity({ name, incarnation }, { keyGroup, perSecond }) {
      await database.call(statements.reportCapacity, [name, incarnation, keyGroup, perSecond ?? null]);
    },
    async sweep(caller) {
      const [row] = await database.call<{
        swept: boolean;
        requeued: number;
        ended_ids: string[];
        ended_states: (EndState | ShelfState)[];
      }>(statements.sweep, [caller.name, caller.incarnation]);
      if (row === undefined || !row.swept) return { swept: false, ended: [], requeued: 0, loads: [] };
      const ended = row.ended_ids.map((requestId, index) => ({
        requestId,
        state: row.ended_states[index] as EndState | ShelfState,
      }));
      // Swept and committed: without the loads no turn is repaired this time, but what ended is told.
      return { swept: true, ended, requeued: row.requeued, loads: await laneLoads(database).catch(() => []) };
    },
    audit: (caller, requestsMax) => auditNext(database, caller, requestsMax),
    auditWhole: () => auditWhole(database),
    close: () => database.close(),
  };
}
