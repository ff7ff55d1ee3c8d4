import { asSluiceError } from '@sluice/errors';
import { inTime } from './in-time.js';
import { confirmMissingKey, reportMissingKey } from './missing-key.js';
import type { Refusal, SignerContext } from './signer-context.js';
import type { SigningCa } from './signing-rules.js';
import type { WorkLease } from './work-lease.js';

/** A token that is well says at once which keys it has. */
const findWaitMsMax = 2000;
/** Part of what is left of the lease that the question may take: the rest is for telling the ledger. */
const findLeaseShare = 0.5;

/**
 * Is the CA's key on this token, and is it the one the registry knows? Asked before a batch is signed, so that a missing
 * or swapped key costs no serial. Only this CA on this token steps back; a key that is missing for sure is reported. A
 * token that does not answer within 2 s, or half of what is left of the lease, has `token-failed`: it must not keep the
 * claim slots that other CAs need.
 */
export async function findKeyFault(
  context: SignerContext,
  lease: WorkLease,
  ca: SigningCa,
): Promise<Refusal | undefined> {
  // What has used up the lease was not the token: neither it nor the CA is blamed.
  if (!lease.mayAskKey()) return { code: 'lease-lost', detail: 'no time was left to ask the key' };
  const { name, spki } = ca;
  const fault = await lookUp(context, lease, name, spki);
  if (!fault) return undefined;
  // Before the ledger is told: other claims of this signer pass the CA over from here on.
  context.backOff.failed(name, fault.code);
  const facts = { event: 'key-fault', ca: name, token: context.keyStore.token, ...fault };
  context.log.error(facts, 'the CA key cannot be used on this token; this CA is left alone here for a while');
  if (fault.code === 'key-missing') await reportMissingKey(context, lease, name, fault.detail);
  return fault;
}

async function lookUp(
  context: SignerContext,
  lease: WorkLease,
  name: string,
  spki: Uint8Array | undefined,
): Promise<Refusal | undefined> {
  if (!spki) return { code: 'token-failed', detail: `which key ${name} has is not known here yet` };
  const { keyStore, tokenBreaker } = context;
  const waitMs = Math.min(findWaitMsMax, lease.remainingMs() * findLeaseShare);
  try {
    const found = await tokenBreaker.run(() => inTime(waitMs, keyStore.find(name)));
    if (Buffer.compare(found.spki, spki) === 0) return undefined;
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    if (code !== 'key-missing') return { code, detail: message };
  }
  return confirmMissingKey(context, lease, { name, spki });
}
