import { newRequestId } from '@sluice/ledger';
import type { System } from '@sluice/testkit';

const requests = `insert into ledger.request (id, account, profile, profile_revision, ca, key_group, class, purpose, content, spki, csr, proof, fingerprint, idempotency_key, payload_hash, accepted_by, accepted_at)
  select u.id, r.account, r.profile, r.profile_revision, r.ca, r.key_group, $4, r.purpose, r.content, r.spki, r.csr, r.proof,
    coalesce(e.fingerprint, sha256(u.id::text::bytea)), case when e.id is not null then 'again-' || u.id end, r.payload_hash, r.accepted_by, clock_timestamp()
  from ledger.request r cross join unnest($2::uuid[], $3::uuid[]) u (id, equal_to) left join ledger.request e on e.id = u.equal_to
  where r.id = $1`;
const work = `insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at)
  select r.id, r.class, r.key_group, r.account, r.ca, r.profile, r.purpose, r.fingerprint, 'queued', clock_timestamp() + interval '1 day', r.accepted_at
  from ledger.request r where r.id = any($1::uuid[])`;
const fingerprints = `insert into ledger.open_fingerprint (account, fingerprint, request_id)
  select r.account, r.fingerprint, r.id from ledger.request r where r.id = any($1::uuid[]) and r.idempotency_key is null`;

export interface CloneOptions {
  /** Later requests for the same as each of these, each under a key of its own; without, requests like no other. */
  readonly equalTo?: readonly string[];
  readonly class?: 'async' | 'background';
}

/**
 * So many more open requests like that one, as if they had been accepted: orders by the thousand take too long. Returns
 * their ids.
 */
export async function cloneRequests(
  system: System,
  id: string,
  count: number,
  { equalTo = [], class: requestClass = 'async' }: CloneOptions = {},
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newRequestId(Date.now()));
  const equals = ids.map((_, index) => equalTo[index] ?? null);
  await system.query(requests, [id, ids, equals, requestClass]);
  await system.query(work, [ids]);
  await system.query(fingerprints, [ids]);
  return ids;
}
