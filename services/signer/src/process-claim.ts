import { SluiceError } from '@sluice/errors';
import { laneName } from '@sluice/issuance';
import type { ClaimedRequest, Completion } from '@sluice/ledger';
import { keysBlockedSince } from './blocked-keys.js';
import type { Claim } from './claim.js';
import { findKeyFault } from './find-key-fault.js';
import { generateKey } from './generate-key.js';
import { groupRows } from './group-rows.js';
import { hex } from './hex.js';
import { type CheckedRow, recheck } from './recheck.js';
import { burnRows, completeRows, type RefusedRow, refuseRows, releaseRows } from './settle.js';
import { type SignedRows, signRows, take } from './sign-rows.js';
import type { Refusal, SignerContext } from './signer-context.js';

/** Rows whose key was asked and has not answered yet: `ended` resolves before their lease does, and never rejects. */
export interface LateRows {
  readonly count: number;
  readonly ended: Promise<unknown>;
}
const noneLate: LateRows = { count: 0, ended: Promise.resolve() };

const allLate = (all: readonly LateRows[]): LateRows => ({
  count: all.reduce((sum, { count }) => sum + count, 0),
  ended: Promise.all(all.map(({ ended }) => ended)),
});

/**
 * Steps 7 to 9 for the rows of one claim. Work is grouped by CA and each group completes as it ends, so that fast keys
 * never wait for slow ones. Resolves when every row was completed, refused, queued again or left to the sweep, but for
 * those that are late; never rejects for what the ledger or a token did.
 */
export async function processClaim(context: SignerContext, claim: Claim): Promise<LateRows> {
  if (claim.rows.length === 0) return noneLate;
  const startedAtMs = context.clock.monotonicMs();
  const keyWork = claim.rows.filter(({ purpose }) => purpose === 'generate');
  const certificates = claim.rows.filter(({ purpose }) => purpose !== 'generate');
  const [late] = await Promise.all([
    certificates.length > 0 ? signMeasured(context, claim, certificates) : noneLate,
    ...keyWork.map((row) => generateKey(context, claim, row)),
  ]);
  const facts = {
    event: 'batch',
    claim_id: claim.claimId,
    lane: laneName(claim.lane),
    rows: claim.rows.length,
    took_ms: Math.round(context.clock.monotonicMs() - startedAtMs),
    lease_left_ms: Math.round(claim.lease.remainingMs()),
  };
  context.log.debug(facts, 'batch done');
  return late;
}

/** Until the last late row has ended these, and no more, are still in hand: one that hangs does not use every place. */
async function signMeasured(context: SignerContext, claim: Claim, rows: readonly ClaimedRequest[]): Promise<LateRows> {
  context.capacity.begin(rows.length);
  let late = noneLate;
  try {
    late = await signCertificates(context, claim, rows);
    return late;
  } finally {
    context.capacity.end(rows.length - late.count);
    void late.ended.then(() => context.capacity.end(late.count));
  }
}

async function signCertificates(
  context: SignerContext,
  claim: Claim,
  rows: readonly ClaimedRequest[],
): Promise<LateRows> {
  const { checked, refused } = await recheckAll(context, rows);
  const stale = refused.filter(({ code }) => code === 'stale-snapshot');
  const certain = refused.filter(({ code }) => code !== 'stale-snapshot');
  const [late, lateAfterPush] = await Promise.all([
    signGroups(context, claim, checked),
    signAfterPush(context, claim, stale),
    refuse(context, claim, certain),
  ]);
  return allLate([late, lateAfterPush]);
}

async function signGroups(context: SignerContext, claim: Claim, checked: readonly CheckedRow[]): Promise<LateRows> {
  const groups = [...groupRows(checked, ({ row }) => row.ca).values()];
  return allLate(await Promise.all(groups.map((group) => signGroup(context, claim, group))));
}

async function refuse(context: SignerContext, { lease }: Claim, refused: readonly RefusedRow[]): Promise<void> {
  await refuseRows(context, lease, refused);
  context.capacity.done(refused.length);
}

async function recheckAll(
  context: SignerContext,
  rows: readonly ClaimedRequest[],
): Promise<{ checked: CheckedRow[]; refused: RefusedRow[] }> {
  const checked: CheckedRow[] = [];
  const refused: RefusedRow[] = [];
  const blockedSince = await keysBlockedSince(context, rows);
  const rules = context.templates.rules();
  for (const row of rows) {
    const result = recheck(row, rules, blockedSince);
    if ('row' in result) checked.push(result);
    else refused.push({ row, ...result });
  }
  return { checked, refused };
}

/** How long rows may wait for a change that their claim has seen and we have not; it is on its way. */
const pushWaitMs = 1000;

/** The claim saw a newer registry than we did: wait for it, beside the rows that need not. */
async function signAfterPush(context: SignerContext, claim: Claim, stale: readonly RefusedRow[]): Promise<LateRows> {
  if (stale.length === 0) return noneLate;
  try {
    const newest = stale.reduce((most, { row }) => (row.epoch > most ? row.epoch : most), 0n);
    await context.applied(newest, pushWaitMs);
  } catch (err) {
    context.log.warn(
      { event: 'snapshot-stale', count: stale.length, err },
      'a change of the registry was not pushed yet',
    );
  }
  const { checked, refused } = await recheckAll(
    context,
    stale.map(({ row }) => row),
  );
  const still = refused.filter(({ code }) => code === 'stale-snapshot');
  const certain = refused.filter(({ code }) => code !== 'stale-snapshot');
  const [late] = await Promise.all([
    signGroups(context, claim, checked),
    refuse(context, claim, certain),
    releaseRows(context, claim.lease, still),
  ]);
  return late;
}

async function signGroup(context: SignerContext, claim: Claim, group: readonly CheckedRow[]): Promise<LateRows> {
  const name = group[0]?.row.ca ?? '';
  const ca = context.templates.rules().cas.get(name);
  if (!ca) throw new Error(`recheck let a row of ${name} pass`);
  const holdBack = async ({ code, detail }: Refusal): Promise<LateRows> => {
    await releaseRows(
      context,
      claim.lease,
      group.map(({ row }) => ({ row, code, detail })),
    );
    return noneLate;
  };
  const waiting = context.backOff.waiting(name);
  if (waiting) return holdBack({ code: waiting, detail: `${name} is left alone on this token for a while` });
  const fault = await findKeyFault(context, claim.lease, ca);
  if (fault) return holdBack(fault);

  const about = { claim_id: claim.claimId, ca: name, token: context.keyStore.token };
  const rows = group.map(({ row }) => auditRow(row));
  context.audit.info({ event: 'signing', ...about, rows }, 'about to ask the key');
  const settling: Promise<void>[] = [];
  const signed = await signRows(context, claim, ca, group, (completions) => {
    settling.push(settle(context, claim, group, { ...nothingElse, completions }));
  });
  settling.push(settle(context, claim, group, signed));
  const settled = Promise.all(settling);
  if (signed.late.length === 0) {
    countForToken(context, signed);
    await settled;
    return noneLate;
  }
  const facts = { event: 'signatures-overdue', ...about, count: signed.late.length };
  context.log.warn(facts, 'the key does not answer; this CA is left alone here until it does');
  const ended = settleLate(context, claim, group, signed);
  await settled;
  return { count: signed.late.length, ended };
}

/** Each late answer as it comes; then all of the batch counts for the token. */
async function settleLate(
  context: SignerContext,
  claim: Claim,
  group: readonly CheckedRow[],
  { completions, completedEarly, doubtful, late }: SignedRows,
): Promise<void> {
  const all = { completions: [...completions], completedEarly, doubtful: [...doubtful] };
  const each = late.map(async (coming) => {
    const answer = await coming;
    take(all, answer);
    const one = { ...nothingElse, completions: [], doubtful: [] };
    take(one, answer);
    await settle(context, claim, group, one);
  });
  await Promise.all(late);
  countForToken(context, all);
  await Promise.all(each);
}

/** What can be settled at once. */
type Answered = { readonly [List in Exclude<keyof SignedRows, 'completedEarly'>]: readonly SignedRows[List][number][] };
const nothingElse: Answered = { completions: [], doubtful: [], refused: [], notBegun: [], late: [] };

/** Steps 8 and 9 for all that has an answer. */
async function settle(
  context: SignerContext,
  claim: Claim,
  group: readonly CheckedRow[],
  { completions, doubtful, refused, notBegun, late }: Answered,
): Promise<void> {
  // All that was signed may be complete already.
  if ([completions, doubtful, refused, notBegun, late].every((list) => list.length === 0)) return;
  const ca = group[0]?.row.ca ?? '';
  const outcome = {
    signed: completions.map(({ serial }) => hex(serial)),
    doubtful: doubtful.map(({ row, code }) => ({ serial: hex(row.serial), code })),
    not_asked: [...refused, ...notBegun].map(({ row, code }) => ({ serial: hex(row.serial), code })),
    ...(late.length > 0 && { late: late.length }),
  };
  const about = { claim_id: claim.claimId, ca, token: context.keyStore.token };
  context.audit.info({ event: 'signed', ...about, ...outcome }, 'the key was asked');
  context.capacity.done(completions.length);
  await Promise.all([
    completeCertificates(context, claim, ca, group, completions),
    burnRows(context, claim.lease, doubtful),
    refuse(context, claim, refused),
    releaseRows(context, claim.lease, notBegun),
  ]);
}

/** One batch counts once: most of its signatures came, or most did not. */
function countForToken(
  { tokenBreaker }: SignerContext,
  { completions, completedEarly, doubtful }: Pick<SignedRows, 'completions' | 'completedEarly' | 'doubtful'>,
): void {
  const [doubt] = doubtful;
  const came = completions.length + completedEarly.length;
  if (doubt && doubtful.length > came) tokenBreaker.count(new SluiceError(doubt.code, doubt.detail));
  else if (came > 0) tokenBreaker.count();
}

/** A CA's certificate changes the registry as well, and so has a verb of its own. */
async function completeCertificates(
  context: SignerContext,
  claim: Claim,
  ca: string,
  group: readonly CheckedRow[],
  completions: readonly Completion[],
): Promise<void> {
  const { ledger, caller } = context;
  const ofCas = new Set(group.filter(({ row }) => row.purpose === 'ca-certificate').map(({ row }) => row.requestId));
  const cas = completions.filter(({ requestId }) => ofCas.has(requestId));
  const ordinary = completions.filter(({ requestId }) => !ofCas.has(requestId));
  await Promise.all([
    completeRows(context, claim.lease, ca, ordinary, (batch) => ledger.complete(caller(), batch)),
    ...cas.map((completion) =>
      completeRows(context, claim.lease, ca, [completion], async () => [
        await ledger.completeCaCertificate(caller(), completion),
      ]),
    ),
  ]);
}

function auditRow({ requestId, serial, attempt, profile, profileRevision, purpose }: ClaimedRequest): object {
  return { request_id: requestId, serial: hex(serial), attempt, profile, revision: profileRevision, purpose };
}
