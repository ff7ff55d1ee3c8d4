import { asSluiceError, SluiceError } from '@sluice/errors';
import { type KeyAlgorithm, type KeyInfo, keyAlgorithms } from '@sluice/key-store';
import type { ClaimedRequest } from '@sluice/ledger';
import type { Claim } from './claim.js';
import { inTime } from './in-time.js';
import { burnRows, completeKeyWork, refuseRows, releaseRows } from './settle.js';
import type { SignerContext } from './signer-context.js';
import type { SigningCa } from './signing-rules.js';

/** Part of the lease kept for telling the ledger of a key that does not come. */
const settleShare = 0.05;

/**
 * Key work `generate`: makes the key of a pending CA on this token and gives its public half to the registry.
 * A crash after the key was made is repaired by doing it again: the token answers with the key it has under that label.
 * So is a key that is not there before the lease ends: the work goes back, and the slot is free for others.
 */
export async function generateKey(context: SignerContext, claim: Claim, row: ClaimedRequest): Promise<void> {
  const { backOff, keyStore, tokenBreaker, audit, log, checkpoint, clock, metrics } = context;
  const { lease } = claim;
  const name = row.subjectCa ?? row.ca;
  const waiting = backOff.waiting(name);
  if (waiting)
    return releaseRows(context, lease, [{ row, code: waiting, detail: `${name} is left alone for a while` }]);
  const ca = await knownCa(context, name, row.epoch);
  if (!ca)
    return releaseRows(context, lease, [{ row, code: 'stale-snapshot', detail: `${name} is not known here yet` }]);
  if (ca.state !== 'pending') {
    return refuseRows(context, lease, [{ row, code: 'not-permitted', detail: `${name} is ${ca.state}` }]);
  }
  await checkpoint('signer:before-sign');
  if (context.mustStop()) return releaseRows(context, lease, [{ row, code: 'draining', detail: 'stopping' }]);
  if (!lease.mayAskKey()) return releaseRows(context, lease, [{ row, code: 'lease-lost', detail: 'no time left' }]);

  const about = { claim_id: claim.claimId, request_id: row.requestId, ca: name, token: keyStore.token };
  audit.info(
    { event: 'generating', ...about, algorithm: ca.keyAlgorithm, attempt: row.attempt },
    'about to make a key',
  );
  const startedAtMs = clock.monotonicMs();
  let key: KeyInfo;
  try {
    const waitMs = lease.remainingMs() * (1 - settleShare);
    key = await tokenBreaker.run(() => inTime(waitMs, keyStore.generate(name, algorithmOf(ca))));
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    backOff.failed(name, code);
    log.error({ event: 'generate-failed', ...about, err: thrown }, 'the token did not make the key');
    return burnRows(context, lease, [{ row, code, detail: message }]);
  }
  backOff.succeeded(name);
  metrics.stepSeconds.observe({ step: 'generate', ca: name }, (clock.monotonicMs() - startedAtMs) / 1000);
  await checkpoint('signer:after-sign');
  audit.info({ event: 'generated', ...about, algorithm: key.algorithm }, 'the key is on the token');
  await completeKeyWork(context, lease, row, key.spki);
}

/** How long a CA that was created a moment ago is waited for: it is on its way. */
const pushWaitMs = 1000;

async function knownCa(context: SignerContext, name: string, epoch: bigint): Promise<SigningCa | undefined> {
  const known = context.templates.rules().cas.get(name);
  if (known) return known;
  try {
    await context.applied(epoch, pushWaitMs);
  } catch (err) {
    context.log.warn({ event: 'snapshot-stale', ca: name, err }, 'a change of the registry was not pushed yet');
  }
  return context.templates.rules().cas.get(name);
}

function algorithmOf(ca: SigningCa): KeyAlgorithm {
  const algorithm = keyAlgorithms.find((one) => one === ca.keyAlgorithm);
  if (!algorithm) throw new SluiceError('key-weak', `${ca.keyAlgorithm} is no algorithm of a CA key here`);
  return algorithm;
}
