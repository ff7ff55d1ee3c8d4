import { SluiceError } from '@sluice/errors';
import { laneName } from '@sluice/issuance';
import type { ClaimedRequest, Completion } from '@sluice/ledger';
import { keysBlockedSince } from './blocked-keys.js';
import type { Claim } from './claim.js';
import { findKeyFault } from './find-key-fault.js';
import { generateKey } from './generate-key.js';
import { hex } from './hex.js';
import { type CheckedRow, recheck } from './recheck.js';
import { burnRows, completeRows, type RefusedRow, refuseRows, releaseRows } from './settle.js';
import { type SignedRows, signRows } from './sign-rows.js';
import type { SignerContext } from './signer-context.js';

/**
 * Steps 7 to 9 for the rows of one claim. Work is grouped by CA and each group completes as it ends, so that fast keys
 * never wait for slow ones. Resolves when every row was completed, refused, queued again or left to the sweep; never
 * rejects for what the ledger or a token did.
 */
export async function processClaim(context: SignerContext, claim: Claim): Promise<void> {
  const startedAtMs = context.clock.monotonicMs();
  const keyWork = claim.rows.filter(({ purpose }) => purpose === 'generate');
  const certificates = claim.rows.filter(({ purpose }) => purpose !== 'generate');
  await Promise.all([
    signCertificates(context, claim, certificates),
    ...keyWork.map((row) => generateKey(context, claim, row)),
  ]);
  if (claim.rows.length === 0) return;
  const facts = {
    event: 'batch',
    claim_id: claim.claimId,
    lane: laneName(claim.lane),
    rows: claim.rows.length,
    took_ms: Math.round(context.clock.monotonicMs() - startedAtMs),
    lease_left_ms: Math.round(claim.lease.remainingMs()),
  };
  context.log.debug(facts, 'batch done');
}

async function signCertificates(context: SignerContext, claim: Claim, rows: readonly ClaimedRequest[]): Promise<void> {
  const { checked, refused } = await recheckAll(context, rows);
  const stale = refused.filter(({ code }) => code === 'stale-snapshot');
  const certain = refused.filter(({ code }) => code !== 'stale-snapshot');
  await Promise.all([
    refuseRows(context, claim.lease, certain),
    ...byCa(checked).map((group) => signGroup(context, claim, group)),
    signAfterPush(context, claim, stale),
  ]);
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
async function signAfterPush(context: SignerContext, claim: Claim, stale: readonly RefusedRow[]): Promise<void> {
  if (stale.length === 0) return;
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
  await Promise.all([
    refuseRows(
      context,
      claim.lease,
      refused.filter(({ code }) => code !== 'stale-snapshot'),
    ),
    releaseRows(context, claim.lease, still),
    ...byCa(checked).map((group) => signGroup(context, claim, group)),
  ]);
}

function byCa(rows: readonly CheckedRow[]): CheckedRow[][] {
  const groups = new Map<string, CheckedRow[]>();
  for (const checked of rows) {
    const group = groups.get(checked.row.ca);
    if (group) group.push(checked);
    else groups.set(checked.row.ca, [checked]);
  }
  return [...groups.values()];
}

async function signGroup(context: SignerContext, claim: Claim, group: readonly CheckedRow[]): Promise<void> {
  const name = group[0]?.row.ca ?? '';
  const ca = context.templates.rules().cas.get(name);
  if (!ca) throw new Error(`recheck let a row of ${name} pass`);
  const holdBack = (code: RefusedRow['code'], detail: string) =>
    releaseRows(
      context,
      claim.lease,
      group.map(({ row }) => ({ row, code, detail })),
    );
  const waiting = context.backOff.waiting(name);
  if (waiting) return holdBack(waiting, `${name} is left alone on this token for a while`);
  const fault = await findKeyFault(context, claim.lease, ca);
  if (fault) return holdBack(fault.code, fault.detail);

  const { clock, audit, batchSize } = context;
  const about = { claim_id: claim.claimId, ca: name, token: context.keyStore.token };
  audit.info({ event: 'signing', ...about, rows: group.map(({ row }) => auditRow(row)) }, 'about to ask the key');
  const startedAtMs = clock.monotonicMs();
  const signed = await signRows(context, claim.lease, ca, group);
  countForToken(context, signed);
  batchSize.observe(signed.completions.length + signed.doubtful.length, clock.monotonicMs() - startedAtMs);
  context.metrics.batchRows.set(batchSize.rows());
  const { completions, doubtful, refused, notBegun } = signed;
  const outcome = {
    signed: completions.map(({ serial }) => hex(serial)),
    doubtful: doubtful.map(({ row, code }) => ({ serial: hex(row.serial), code })),
    not_asked: [...refused, ...notBegun].map(({ row, code }) => ({ serial: hex(row.serial), code })),
  };
  audit.info({ event: 'signed', ...about, ...outcome }, 'the key was asked');
  await Promise.all([
    completeCertificates(context, claim, name, group, completions),
    burnRows(context, claim.lease, doubtful),
    refuseRows(context, claim.lease, refused),
    releaseRows(context, claim.lease, notBegun),
  ]);
}

/** One batch counts once: most of its signatures came, or most did not. */
function countForToken({ tokenBreaker }: SignerContext, { completions, doubtful }: SignedRows): void {
  const [doubt] = doubtful;
  if (doubt && doubtful.length > completions.length) tokenBreaker.count(new SluiceError(doubt.code, doubt.detail));
  else if (completions.length > 0) tokenBreaker.count();
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
