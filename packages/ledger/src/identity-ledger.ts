import { SluiceError } from '@sluice/errors';
import { bigints, byteas, integers, jsons, texts, uuids } from './binary-array.js';
import { createDatabase, type Database, type DatabaseOptions, type Statement } from './database.js';
import { besidePatience, gatherPatience, type Waited } from './gather-patience.js';
import { createGroupCommit, type GroupCommit, type Patience } from './group-commit.js';
import { type StandingRow, toStanding } from './standing.js';
import { enrol, readLoad, renew } from './subscriber-verbs.js';
import type { AcceptResult, AcceptRow, Caller, IdentityLedger, Standing } from './types.js';

export interface IdentityLedgerOptions extends DatabaseOptions {
  /** Called once per commit with the rows it accepted: one turn for as many as shared it. */
  readonly onAccepted?: ((rows: readonly AcceptRow[]) => void) | undefined;
  /** Those who wait here for what was accepted. Left out: nobody does. */
  readonly waited?: Waited | undefined;
  readonly onBatch?: ((verb: 'accept' | 'join' | 'read' | 'decide', size: number) => void) | undefined;
}

const acceptStatement: Statement = {
  name: 'accept',
  text: `select * from ledger.accept($1, $2, $3, $4::uuid[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::text[], $10::text[], $11::text[],
    $12::bytea[], $13::bytea[], $14::jsonb[], $15::bytea[], $16::text[], $17::bytea[], $18::integer[], $19::uuid[])`,
};
const readStatement: Statement = { name: 'read', text: 'select * from ledger.read($1::uuid[])' };
const extendStatement: Statement = { name: 'extend', text: 'select ledger.extend($1::uuid[], $2::integer[])' };
const joinStatement: Statement = {
  name: 'join_keys',
  text: 'select * from ledger.join_keys($1::text[], $2::text[], $3::bytea[], $4::integer[])',
};
const findEqualStatement: Statement = {
  name: 'find_equal',
  text: 'select * from ledger.find_equal($1::text[], $2::bytea[])',
};
const decideStatement: Statement = {
  name: 'decide',
  text: 'select ledger.decide($1::uuid[], $2::bigint[], $3::bigint[], $4)',
};
const cancelStatement: Statement = { name: 'cancel', text: 'select ledger.cancel($1, $2, $3) as known' };

interface JoinItem {
  readonly account: string;
  readonly key: string;
  readonly payloadHash: Uint8Array;
  readonly waitMs: number;
}
type EqualItem = Pick<AcceptRow, 'account' | 'fingerprint' | 'waitMs'>;
type Joined = { standing: Standing; samePayload: boolean } | undefined;
/** Waiting for its commit uses up a wait: what is left is told to the ledger when the batch goes, not when it came. */
type Submitted<T> = T & { readonly submittedAtMs: number };
const submitted = <T extends object>(item: T): Submitted<T> =>
  Object.assign({ submittedAtMs: performance.now() }, item);
const leftMs = (item: { waitMs: number; submittedAtMs: number }): number =>
  Math.max(1, Math.round(item.waitMs - (performance.now() - item.submittedAtMs)));

interface DecideItem {
  readonly requestId: string;
  readonly deadline: string;
  readonly ttlMs: number;
}

const column = <T, V>(rows: readonly T[], pick: (row: T) => V): V[] => rows.map(pick);

async function readOnce(database: Database, ids: readonly string[]): Promise<Map<string, Standing>> {
  const rows = await database.call<StandingRow>(readStatement, [uuids([...new Set(ids)])]);
  return new Map(rows.map((row) => [row.request_id, toStanding(row)]));
}

/**
 * Those that are not there are asked for once more. While a partition is made, what the default one held moves into it; a
 * statement that began before and waited for that looks into the new one with a snapshot in which the row is not there
 * yet. The next statement's snapshot has it.
 */
async function readAll(database: Database, ids: readonly string[]): Promise<Map<string, Standing>> {
  const standings = await readOnce(database, ids);
  const missing = ids.filter((id) => !standings.has(id));
  return missing.length === 0 ? standings : new Map([...standings, ...(await readOnce(database, missing))]);
}

/** What fails after the commit says nothing about the commit: the client is told `unknown`, never that nothing was stored. */
async function afterCommit<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (thrown) {
    throw new SluiceError('outcome-unknown', 'Stored, but the ledger did not say what', { cause: thrown });
  }
}

async function acceptAll(
  database: Database,
  caller: Caller,
  rows: readonly Submitted<AcceptRow>[],
  onAccepted: IdentityLedgerOptions['onAccepted'],
): Promise<AcceptResult[]> {
  const verdicts = await database.call<{
    ordinal: number;
    verdict: AcceptResult['verdict'] | 'again';
    request_id: string;
    deadline: bigint;
  }>(acceptStatement, [
    caller.name,
    caller.incarnation,
    // One that is too old fails those beside it as well, with nothing stored: it happens once, after a fence.
    rows.reduce((oldest, { epoch }) => (epoch < oldest ? epoch : oldest), rows[0]?.epoch ?? 0n),
    uuids(column(rows, (row) => row.requestId)),
    texts(column(rows, (row) => row.account)),
    texts(column(rows, (row) => row.profile)),
    integers(column(rows, (row) => row.profileRevision)),
    texts(column(rows, (row) => row.ca)),
    texts(column(rows, (row) => row.keyGroup)),
    texts(column(rows, (row) => row.class)),
    texts(column(rows, (row) => row.content)),
    byteas(column(rows, (row) => row.spki)),
    byteas(column(rows, ({ evidence }) => ('csr' in evidence ? evidence.csr : null))),
    jsons(column(rows, ({ evidence }) => ('proof' in evidence ? JSON.stringify(evidence.proof) : null))),
    byteas(column(rows, (row) => row.fingerprint)),
    texts(column(rows, (row) => row.idempotencyKey ?? null)),
    byteas(column(rows, (row) => row.payloadHash)),
    integers(column(rows, leftMs)),
    uuids(column(rows, (row) => row.reopens ?? null)),
  ]);
  // Crash here: accepted and committed; the sweep adds the turn.
  const accepted = verdicts.flatMap((verdict) =>
    verdict.verdict === 'accepted' ? [rows[verdict.ordinal - 1] as AcceptRow] : [],
  );
  if (accepted.length > 0) onAccepted?.(accepted);
  const joined = verdicts.filter((verdict) => verdict.verdict === 'joined');
  let standings = new Map<string, Standing>();
  if (joined.length > 0) standings = await afterCommit(() => extendAndRead(database, rows, joined));
  const results = new Array<AcceptResult>(rows.length);
  const again: number[] = [];
  for (const verdict of verdicts) {
    if (verdict.verdict === 'again') again.push(verdict.ordinal - 1);
    else results[verdict.ordinal - 1] = toAcceptResult({ ...verdict, verdict: verdict.verdict }, standings);
  }
  if (again.length === 0) return results;
  // The request they were about to join ended at that very moment; each turn of this is somebody else's progress.
  const retried = await afterCommit(() =>
    acceptAll(
      database,
      caller,
      column(again, (index) => rows[index] as Submitted<AcceptRow>),
      onAccepted,
    ),
  );
  again.forEach((index, position) => {
    results[index] = retried[position] as AcceptResult;
  });
  return results;
}

/** Moves the deadline of what is joined to the later one while it is open, and says how it stands. */
async function extendAndRead(
  database: Database,
  rows: readonly Submitted<{ readonly waitMs: number }>[],
  joined: readonly { readonly ordinal: number; readonly request_id: string }[],
): Promise<Map<string, Standing>> {
  const ids = column(joined, ({ request_id }) => request_id);
  const waitsMs = joined.flatMap(({ ordinal }) => rows.slice(ordinal - 1, ordinal).map(leftMs));
  await database.call(extendStatement, [uuids(ids), integers(waitsMs)]);
  return readAll(database, ids);
}

function toAcceptResult(
  verdict: { verdict: AcceptResult['verdict']; request_id: string; deadline: bigint },
  standings: ReadonlyMap<string, Standing>,
): AcceptResult {
  if (verdict.verdict === 'accepted')
    return { verdict: 'accepted', requestId: verdict.request_id, deadline: String(verdict.deadline) };
  if (verdict.verdict === 'payload-mismatch') return { verdict: 'payload-mismatch' };
  const standing = standings.get(verdict.request_id);
  if (standing === undefined)
    throw new SluiceError('internal', `Request ${verdict.request_id} is known by its key but not stored`);
  return { verdict: 'joined', requestId: verdict.request_id, standing };
}

async function joinAll(database: Database, items: readonly Submitted<JoinItem>[]): Promise<Joined[]> {
  const found = await database.call<{ ordinal: number; request_id: string; same_payload: boolean }>(joinStatement, [
    texts(column(items, (item) => item.account)),
    texts(column(items, (item) => item.key)),
    byteas(column(items, (item) => item.payloadHash)),
    integers(column(items, leftMs)),
  ]);
  const results = new Array<Joined>(items.length);
  if (found.length === 0) return results;
  const standings = await readAll(
    database,
    column(found, (row) => row.request_id),
  );
  for (const row of found) {
    const standing = standings.get(row.request_id);
    if (standing !== undefined) results[row.ordinal - 1] = { standing, samePayload: row.same_payload };
  }
  return results;
}

async function joinAllEqual(
  database: Database,
  items: readonly Submitted<EqualItem>[],
): Promise<(Standing | undefined)[]> {
  const found = await database.call<{ ordinal: number; request_id: string }>(findEqualStatement, [
    texts(column(items, (item) => item.account)),
    byteas(column(items, (item) => item.fingerprint)),
  ]);
  const results = new Array<Standing | undefined>(items.length);
  if (found.length === 0) return results;
  const standings = await extendAndRead(database, items, found);
  for (const { ordinal, request_id } of found) results[ordinal - 1] = standings.get(request_id);
  return results;
}

async function decideAll(database: Database, actor: string, items: readonly DecideItem[]): Promise<Standing[]> {
  await database.call(decideStatement, [
    uuids(column(items, (item) => item.requestId)),
    bigints(column(items, (item) => BigInt(item.deadline))),
    bigints(column(items, (item) => BigInt(Math.round(item.ttlMs)))),
    actor,
  ]);
  const standings = await afterCommit(() =>
    readAll(
      database,
      column(items, (item) => item.requestId),
    ),
  );
  return items.map((item) => {
    const standing = standings.get(item.requestId);
    if (standing === undefined) throw new SluiceError('not-found', `No request ${item.requestId}`);
    return standing;
  });
}

/** The ledger as the front end may use it. Every verb is batched with what else waits for the same verb. */
export function createIdentityLedger(options: IdentityLedgerOptions): IdentityLedger {
  const database = createDatabase(options);
  let self: Caller | undefined;
  const enrolled = (): Caller => {
    if (self === undefined) throw new SluiceError('fenced', 'This process has not enrolled yet');
    return self;
  };
  const refuse = () => new SluiceError('unavailable', 'Too much waits for the ledger');
  const group = <T, R>(
    verb: 'accept' | 'join' | 'read' | 'decide',
    inFlightMax: number,
    commit: (batch: readonly T[]) => Promise<readonly R[]>,
    patience: Patience = besidePatience,
  ): GroupCommit<T, R> =>
    createGroupCommit<T, R>({
      commit,
      batchMax: 64,
      inFlightMax,
      patience,
      waitingMax: 20_000,
      refuse,
      onBatch: (size) => options.onBatch?.(verb, size),
    });

  const accepts = group<Submitted<AcceptRow>, AcceptResult>(
    'accept',
    3,
    (batch) => acceptAll(database, enrolled(), batch, options.onAccepted),
    options.waited === undefined ? besidePatience : gatherPatience(options.waited),
  );
  const joins = group<Submitted<JoinItem>, Joined>('join', 2, (batch) => joinAll(database, batch));
  const equals = group<Submitted<EqualItem>, Standing | undefined>('join', 2, (batch) => joinAllEqual(database, batch));
  const reads = group<string, Standing | undefined>('read', 2, async (batch) => {
    const standings = await readAll(database, batch);
    return batch.map((id) => standings.get(id));
  });
  const decides = group<DecideItem, Standing>('decide', 2, (batch) => decideAll(database, enrolled().name, batch));

  return {
    async enrol(name, appliedEpoch) {
      self = await enrol(database, name, appliedEpoch);
      return self;
    },
    renew: (caller, appliedEpoch, report) => renew(database, caller, appliedEpoch, report),
    join: (account, key, payloadHash, waitMs) => joins.submit(submitted({ account, key, payloadHash, waitMs })),
    joinEqual: (account, fingerprint, waitMs) => equals.submit(submitted({ account, fingerprint, waitMs })),
    accept: (row) => accepts.submit(submitted(row)),
    read: (requestId) => reads.submit(requestId),
    decide: (requestId, deadline, ttlMs) => decides.submit({ requestId, deadline, ttlMs }),
    async cancel(requestId, account) {
      const [row] = await database.call<{ known: boolean }>(cancelStatement, [requestId, account, enrolled().name]);
      return row?.known === true ? (await afterCommit(() => readAll(database, [requestId]))).get(requestId) : undefined;
    },
    readLoad: () => readLoad(database),
    async close() {
      await Promise.all([accepts.idle(), joins.idle(), equals.idle(), reads.idle(), decides.idle()]);
      await database.close();
    },
  };
}
