import { setImmediate as othersTurn } from 'node:timers/promises';
import { asSluiceError, SluiceError } from '@sluice/errors';
import type { Completion } from '@sluice/ledger';
import { assembleCertificate } from '@sluice/pki';
import { type LintedTbs, lintRow } from './linted-tbs.js';
import type { CheckedRow } from './recheck.js';
import type { RefusedRow } from './settle.js';
import type { Refusal, SignerContext } from './signer-context.js';
import type { SigningCa } from './signing-rules.js';
import type { WorkLease } from './work-lease.js';

/** Signatures asked of one CA's key at once, per batch: enough to keep both cores or a small token busy. */
const signaturesAtOnceMax = 4;
/** Part of the lease kept for telling the ledger about a signature that does not come. */
const settleShare = 0.05;

/** What became of the rows of one CA. Every row is in exactly one list. */
export interface SignedRows {
  readonly completions: Completion[];
  /** The key was asked and something is in doubt: these serials are burned. */
  readonly doubtful: RefusedRow[];
  /** The row itself cannot be built, or what was built breaks a rule; the key was not asked. */
  readonly refused: RefusedRow[];
  /** Not tried: no time left, a stop, or a failure just before. */
  readonly notBegun: RefusedRow[];
}

/**
 * Step 7, second half: build, lint, sign, verify. The key is asked once for each row and never again under its serial.
 * After the first failure it is not asked for the rest, so that a broken token burns a handful of serials and not a
 * batch; a CA that failed before is tried with one row first.
 */
export async function signRows(
  context: SignerContext,
  lease: WorkLease,
  ca: SigningCa,
  rows: readonly CheckedRow[],
): Promise<SignedRows> {
  const signed: SignedRows = { completions: [], doubtful: [], refused: [], notBegun: [] };
  const waiting = [...rows];
  const leaseEnd = alarmAt(lease.remainingMs() * (1 - settleShare));

  async function signNext(): Promise<void> {
    const next = waiting.shift();
    if (next) await signOne(context, lease, ca, next, leaseEnd.reached, signed);
  }
  async function signAll(): Promise<void> {
    while (waiting.length > 0) {
      await signNext();
      // Fast keys sign without ever leaving this process: the answers to other cycles' claims must come in between.
      await othersTurn();
    }
  }

  try {
    if (context.backOff.doubtful(ca.name)) await signNext();
    await Promise.all(Array.from({ length: Math.min(signaturesAtOnceMax, waiting.length) }, signAll));
  } finally {
    leaseEnd.cancel();
  }
  return signed;
}

async function signOne(
  context: SignerContext,
  lease: WorkLease,
  ca: SigningCa,
  checked: CheckedRow,
  leaseEnd: Promise<never>,
  signed: SignedRows,
): Promise<void> {
  const { row, notBefore, notAfter } = checked;
  let tbs: LintedTbs;
  try {
    tbs = lint(context, ca, checked, build(context, ca, checked));
  } catch (thrown) {
    signed.refused.push({ row, ...refusalOf(thrown) });
    return;
  }
  await context.checkpoint('signer:before-sign');
  const hindrance = whyNotNow(context, lease, signed);
  if (hindrance) {
    signed.notBegun.push({ row, ...hindrance });
    return;
  }
  try {
    // The key is asked in the next line: from here on there is a certificate or a burned serial, and no second try.
    // A crash leaves the row `signing`: the sweep burns its serial when the lease ends.
    const certificate = await Promise.race([askKey(context, lease, ca, checked, tbs), leaseEnd]);
    signed.completions.push({
      requestId: row.requestId,
      attempt: row.attempt,
      serial: row.serial,
      certificate,
      notBefore,
      notAfter,
    });
    context.backOff.succeeded(ca.name);
    context.metrics.signatures.inc({ ca: ca.name, result: 'ok' });
  } catch (thrown) {
    const doubt = refusalOf(thrown);
    signed.doubtful.push({ row, ...doubt });
    context.backOff.failed(ca.name, doubt.code);
    context.metrics.signatures.inc({ ca: ca.name, result: doubt.code });
    const facts = { event: 'signature-in-doubt', ca: ca.name, request_id: row.requestId, err: thrown };
    context.log.error(facts, 'the key was asked and no certificate came of it; its serial is burned');
  }
}

function build(
  context: SignerContext,
  ca: SigningCa,
  { row, ready, content, notBefore, notAfter }: CheckedRow,
): Uint8Array {
  const startedAtMs = context.clock.monotonicMs();
  const tbs = ready.template.fill({ serial: row.serial, notBefore, notAfter, content, spki: row.spki });
  observe(context, 'build', ca, startedAtMs);
  return tbs;
}

/** Nothing goes to a key that was not read back: `askKey` takes only what this made. */
function lint(context: SignerContext, ca: SigningCa, checked: CheckedRow, tbs: Uint8Array): LintedTbs {
  const startedAtMs = context.clock.monotonicMs();
  try {
    return lintRow(tbs, checked, ({ rule, severity }) => context.metrics.lintFindings.inc({ rule, severity }));
  } finally {
    observe(context, 'lint', ca, startedAtMs);
  }
}

/** Asked immediately before the key is. */
function whyNotNow(context: SignerContext, lease: WorkLease, { doubtful: [doubt] }: SignedRows): Refusal | undefined {
  if (doubt) return { code: doubt.code, detail: 'the signature before it failed' };
  if (context.mustStop()) return { code: 'draining', detail: 'this signer is stopping' };
  if (!lease.mayAskKey()) return { code: 'lease-lost', detail: 'too little of the lease was left' };
  return undefined;
}

/** The only place that asks for a certificate's signature. Our own signature is verified before anybody sees it (T11). */
async function askKey(
  context: SignerContext,
  lease: WorkLease,
  ca: SigningCa,
  { ready }: CheckedRow,
  tbs: LintedTbs,
): Promise<Uint8Array> {
  const { clock, metrics, keyStore, checkpoint } = context;
  metrics.leaseRemainingSeconds.observe(lease.remainingMs() / 1000);
  const askedAtMs = clock.monotonicMs();
  const signature = await keyStore.sign(ca.name, tbs);
  observe(context, 'sign', ca, askedAtMs);
  await checkpoint('signer:after-sign');
  const verifiedAtMs = clock.monotonicMs();
  if (!ca.verify?.(tbs, signature)) throw new SluiceError('signature-wrong', undefined, { facts: { ca: ca.name } });
  observe(context, 'verify', ca, verifiedAtMs);
  return assembleCertificate(tbs, ready.template.signatureAlgorithm, signature);
}

function observe({ metrics, clock }: SignerContext, step: string, ca: SigningCa, startedAtMs: number): void {
  metrics.stepSeconds.observe({ step, ca: ca.name }, (clock.monotonicMs() - startedAtMs) / 1000);
}

function refusalOf(thrown: unknown): Refusal {
  const { code, message } = asSluiceError(thrown);
  return { code, detail: message };
}

/** Rejects after `waitMs`: a token that hangs is given up, and what it may still sign is never looked at. */
function alarmAt(waitMs: number): { reached: Promise<never>; cancel: () => void } {
  let cancel = (): void => undefined;
  const reached = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new SluiceError('token-failed', 'The token did not answer in time')), waitMs);
    cancel = () => clearTimeout(timer);
  });
  // Nobody may be waiting for it any more when it comes.
  reached.catch(() => undefined);
  return { reached, cancel };
}
