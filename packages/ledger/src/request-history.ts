import type { Purpose, RequestClass } from '@sluice/issuance';
import type { Database, Statement } from './database.js';
import { type StandingRow, toStanding } from './standing.js';
import type { RequestHistory } from './types.js';

const standingStatement: Statement = {
  name: 'why_standing',
  text: `select s.*, r.class, r.key_group, r.purpose, r.profile_revision, r.content, encode(r.fingerprint, 'hex') as fingerprint
    from ledger.read(array[$1::uuid]) s join ledger.request r on r.id = s.request_id where r.id = $1::uuid`,
};
const attemptsStatement: Statement = {
  name: 'why_attempts',
  text: `select attempt, encode(serial, 'hex') as serial, state, signer, claimed_at, lease_until, profile_revision, epoch::text as epoch
    from ledger.serial where request_id = $1::uuid order by attempt`,
};
const eventsStatement: Statement = {
  name: 'why_events',
  text: 'select at, kind, attempt, actor, detail from ledger.event where request_id = $1::uuid order by at',
};
const endStatement: Statement = {
  name: 'why_end',
  text: 'select ended_at as at, state as kind, attempt, ended_by as actor, code, detail as text from ledger.outcome where request_id = $1::uuid',
};

interface HistoryRow extends StandingRow {
  class: RequestClass;
  key_group: string;
  purpose: Purpose;
  profile_revision: number | null;
  content: string;
  fingerprint: string;
}
interface AttemptRow {
  attempt: number;
  serial: string;
  state: string;
  signer: string;
  claimed_at: Date;
  lease_until: Date;
  profile_revision: number;
  epoch: string;
}
interface EventRow {
  at: Date;
  kind: string;
  attempt: number | null;
  actor: string;
  detail: Record<string, unknown>;
}
interface EndRow {
  at: Date;
  kind: string;
  attempt: number;
  actor: string;
  code: string | null;
  text: string | null;
}

/** Everything stored about one request, by primary keys and one index each: its cost does not grow with the ledger. */
export async function requestHistory(database: Database, requestId: string): Promise<RequestHistory | undefined> {
  const [row] = await database.call<HistoryRow>(standingStatement, [requestId]);
  if (row === undefined) return undefined;
  const [attempts, events, ends] = await Promise.all([
    database.call<AttemptRow>(attemptsStatement, [requestId]),
    database.call<EventRow>(eventsStatement, [requestId]),
    database.call<EndRow>(endStatement, [requestId]),
  ]);
  return {
    standing: toStanding(row),
    class: row.class,
    keyGroup: row.key_group,
    purpose: row.purpose,
    profileRevision: row.profile_revision ?? 0,
    content: row.content,
    fingerprint: row.fingerprint,
    attempts: attempts.map((attempt) => ({
      attempt: attempt.attempt,
      serial: attempt.serial,
      state: attempt.state,
      signer: attempt.signer,
      claimedAt: attempt.claimed_at.toISOString(),
      leaseUntil: attempt.lease_until.toISOString(),
      profileRevision: attempt.profile_revision,
      epoch: attempt.epoch,
    })),
    events: [
      ...events.map((event) => ({
        at: event.at.toISOString(),
        kind: event.kind,
        attempt: event.attempt,
        actor: event.actor,
        detail: event.detail,
      })),
      ...ends.map((end) => ({
        at: end.at.toISOString(),
        kind: end.kind,
        attempt: end.attempt,
        actor: end.actor,
        detail: {
          ...(end.code === null ? {} : { code: end.code }),
          ...(end.text === null ? {} : { detail: end.text }),
        },
      })),
    ],
  };
}
