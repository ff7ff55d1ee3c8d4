import { asSluiceError, SluiceError } from '@sluice/errors';
import type { Completion } from '@sluice/ledger';
import { assembleCertificate } from '@sluice/pki';
import type { LintedTbs } from './linted-tbs.js';
import type { CheckedRow } from './recheck.js';
import type { RefusedRow } from './settle.js';
import type { SignerContext } from './signer-context.js';
import type { SigningCa } from './signing-rules.js';
import type { WorkLease } from './work-lease.js';

/** What came of asking a key: a certificate, or a serial that must be burned. */
export type KeyAnswer = { readonly completion: Completion } | { readonly doubt: RefusedRow };

/** What is asked of one CA's key under one lease. */
export interface KeyQuestion {
  readonly lease: WorkLease;
  readonly ca: SigningCa;
  readonly checked: CheckedRow;
  readonly tbs: LintedTbs;
}

/**
 * Asks the key, once: from here on there is a certificate or a burned serial, and no second try. Never rejects; whatever
 * goes wrong, and a lease that ends (`leaseEnd` rejects), is doubt.
 * A crash meanwhile leaves the row `signing`: the sweep burns its serial when the lease ends.
 */
export async function askKey(
  context: SignerContext,
  question: KeyQuestion,
  leaseEnd: Promise<never>,
): Promise<KeyAnswer> {
  const { backOff, metrics, log } = context;
  const { ca, checked } = question;
  const { row, notBefore, notAfter } = checked;
  try {
    const certificate = await Promise.race([sign(context, question), leaseEnd]);
    backOff.succeeded(ca.name);
    metrics.signatures.inc({ ca: ca.name, result: 'ok' });
    const { requestId, attempt, serial } = row;
    return { completion: { requestId, attempt, serial, certificate, notBefore, notAfter } };
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    backOff.failed(ca.name, code);
    metrics.signatures.inc({ ca: ca.name, result: code });
    const facts = { event: 'signature-in-doubt', ca: ca.name, request_id: row.requestId, err: thrown };
    log.error(facts, 'the key was asked and no certificate came of it; its serial is burned');
    return { doubt: { row, code, detail: message } };
  }
}

/** The only place that asks for a certificate's signature. Our own signature is verified before anybody sees it (T11). */
async function sign(context: SignerContext, { lease, ca, checked, tbs }: KeyQuestion): Promise<Uint8Array> {
  const { clock, metrics, keyStore, checkpoint } = context;
  metrics.leaseRemainingSeconds.observe(lease.remainingMs() / 1000);
  const askedAtMs = clock.monotonicMs();
  const signature = await keyStore.sign(ca.name, tbs);
  observeStep(context, 'sign', ca, askedAtMs);
  await checkpoint('signer:after-sign');
  const verifiedAtMs = clock.monotonicMs();
  if (!ca.verify?.(tbs, signature)) throw new SluiceError('signature-wrong', undefined, { facts: { ca: ca.name } });
  observeStep(context, 'verify', ca, verifiedAtMs);
  return assembleCertificate(tbs, checked.ready.template.signatureAlgorithm, signature);
}

export function observeStep({ metrics, clock }: SignerContext, step: string, ca: SigningCa, startedAtMs: number): void {
  metrics.stepSeconds.observe({ step, ca: ca.name }, (clock.monotonicMs() - startedAtMs) / 1000);
}
