import { asSluiceError } from '@sluice/errors';
import type { Snapshot } from '@sluice/registry-protocol';
import { inTime } from './in-time.js';
import type { Refusal, SignerContext } from './signer-context.js';
import { untilAnswered } from './until-answered.js';
import type { WorkLease } from './work-lease.js';

/** Two sessions and their control objects take longer than a look. */
const confirmWaitMsMax = 5000;
/** Parts of what is left of the lease for the question and for telling the ledger; the rest is for the release. */
const confirmLeaseShare = 0.4;
const reportLeaseShare = 0.5;

const said = {
  missing: 'not found twice beside the control object',
  replaced: 'another key than the registry knows was found under its label twice, beside the control object',
} as const;

/**
 * A look did not find this CA's own key: is it missing, or replaced by another, on a token that is well? `key-missing`
 * when the token is sure: twice, beside its control object. Anything else is `token-failed` for this CA. It does not
 * count against the token, which answered a moment ago: keys of fifty CAs that go at once would be fifty failures for
 * one slow answer. Whether a token is well its breaker asks each second.
 */
export async function confirmMissingKey(
  { keyStore }: SignerContext,
  lease: WorkLease,
  { name, spki }: { readonly name: string; readonly spki: Uint8Array },
): Promise<Refusal> {
  const waitMs = Math.min(confirmWaitMsMax, lease.remainingMs() * confirmLeaseShare);
  try {
    const presence = await inTime(waitMs, keyStore.confirmMissing(name, spki));
    return presence === 'there'
      ? { code: 'token-failed', detail: `the key of ${name} was not found, and then it was` }
      : { code: 'key-missing', detail: said[presence] };
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    return { code, detail: message };
  }
}

/**
 * The alarm; and the ledger is told, which quarantines the CA on this token and, when no token of its group is left, the
 * CA itself. A crash before that, or a ledger that does not answer, leaves the work queued: the next claim of it finds
 * the same. Never throws.
 */
export async function reportMissingKey(
  context: SignerContext,
  lease: WorkLease,
  ca: string,
  detail: string,
): Promise<void> {
  const { ledger, caller, keyStore, metrics, log } = context;
  const about = { event: 'key-missing', ca, token: keyStore.token, detail };
  metrics.keysMissing.inc({ ca, token: keyStore.token });
  const endsAtMs = context.clock.monotonicMs() + lease.remainingMs() * reportLeaseShare;
  try {
    const quarantined = await untilAnswered(
      context,
      'key-missing',
      () => Math.max(0, endsAtMs - context.clock.monotonicMs()),
      () => ledger.keyMissing(caller(), { ca, token: keyStore.token, detail }),
    );
    log.error(
      { ...about, quarantined },
      'the key of a CA is missing on this token; its work is held until a person decides',
    );
  } catch (thrown) {
    const facts = { ...about, code: asSluiceError(thrown).code, err: thrown };
    log.error(
      facts,
      'the key of a CA is missing on this token, and the ledger did not take the report; it is told again',
    );
  }
}

/** A CA that a snapshot does not show as quarantined here is tried again at once: somebody may have lifted it. */
export function endLiftedWaits(
  { cas }: Pick<Snapshot, 'cas'>,
  { backOff, token }: Pick<SignerContext, 'backOff'> & { readonly token: string },
): void {
  for (const { name, quarantined, quarantinedTokens } of cas) {
    if (!quarantined && !quarantinedTokens.includes(token)) backOff.keyMayBeBack(name);
  }
}
