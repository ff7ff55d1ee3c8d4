/** SQL that leaves as many dead rows in `ledger.work` as so many requests of that class which came and went over an hour. */
export function comeAndGo(count: number, requestClass: 'interactive' | 'async'): string {
  const deadline = { interactive: 'now()', async: `now() + interval '1 day'` }[requestClass];
  const ago = `g * interval '1 h' / ${count}`;
  return `do $$ begin
    set local session_replication_role = replica;
    insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at)
    select gen_random_uuid(), '${requestClass}', 'default', 'demo', 'root', 'tls', 'subscriber', int8send(g), 'queued', ${deadline} - ${ago}, now()
    from generate_series(1, ${count}) g;
    update ledger.work set state = 'signing', attempt = 1, signer = 'gone', claim_id = gen_random_uuid(),
      lease_until = now() - ('x' || encode(fingerprint, 'hex'))::bit(64)::bigint * interval '1 h' / ${count}
    where octet_length(fingerprint) = 8;
    delete from ledger.work where signer = 'gone';
  end $$`;
}
