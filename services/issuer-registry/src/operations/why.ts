import { SluiceError } from '@sluice/errors';
import type { RequestHistory } from '@sluice/ledger';
import type { Why } from '@sluice/registry-protocol';
import { certificateView } from '../views/certificate-view.js';
import type { AdminContext } from './admin-context.js';

type Standing = RequestHistory['standing'];

/** The ledger's own text of a deadline is microseconds since 1970; another text is shown as it is. */
function deadlineText(deadline: string): string {
  return /^\d{16}$/.test(deadline) ? new Date(Number(BigInt(deadline) / 1000n)).toISOString() : deadline;
}

/** What only some states have; null in the others. */
function standingView(
  standing: Standing,
): Pick<Why, 'deadline' | 'code' | 'detail' | 'withheld' | 'serial' | 'not_before' | 'not_after' | 'certificate_pem'> {
  return {
    deadline: 'deadline' in standing ? deadlineText(standing.deadline) : null,
    code: standing.state === 'rejected' ? standing.code : null,
    detail: standing.state === 'rejected' ? standing.detail : null,
    withheld: standing.state === 'expired' ? standing.withheld : null,
    // Key work that made a key is `issued` without a certificate.
    ...certificateView(standing.state === 'issued' && standing.certificate.length > 0 ? standing.certificate : null),
  };
}

/** The whole life of a request. Throws `not-found`. */
export async function why({ store }: AdminContext, requestId: string): Promise<Why> {
  const history = await store.why(requestId);
  if (history === undefined) {
    throw new SluiceError('not-found', `There is no request ${requestId}`, {
      facts: { what_to_do: 'Use the id from the answer, its Location, or the log; old requests are detached in time.' },
    });
  }
  const { standing } = history;
  return {
    request_id: standing.requestId,
    account: standing.account,
    profile: standing.profile,
    profile_revision: history.profileRevision,
    ca: standing.ca,
    purpose: history.purpose,
    class: history.class,
    key_group: history.keyGroup,
    fingerprint: history.fingerprint,
    content: history.content,
    state: standing.state,
    accepted_at: standing.acceptedAt.toISOString(),
    ...standingView(standing),
    attempts: history.attempts.map((attempt) => ({
      attempt: attempt.attempt,
      serial: attempt.serial,
      serial_state: attempt.state,
      signer: attempt.signer,
      claimed_at: attempt.claimedAt,
      lease_until: attempt.leaseUntil,
      profile_revision: attempt.profileRevision,
      epoch: attempt.epoch,
    })),
    events: history.events.map(({ at, kind, attempt, actor, detail }) => ({ at, kind, attempt, actor, detail })),
  };
}
