do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Requests, outcomes, certificates and events are immutable and partitioned by range on the UUIDv7 id itself
-- (partitions: 0004). Open work and shelf are narrow and small. Nothing updates a wide row.

create table ledger.request (
  id uuid not null primary key,
  account text not null,
  profile text,
  -- The revision it was validated under; the serial row holds the one it was signed under.
  profile_revision integer,
  ca text not null,
  key_group text not null,
  class text not null,
  purpose text not null,
  -- For CA certificates and key work: the CA that is made or changed.
  subject_ca text,
  content text not null,
  spki bytea not null,
  csr bytea not null,
  fingerprint bytea not null,
  idempotency_key text,
  payload_hash bytea not null,
  accepted_by text not null,
  accepted_at timestamptz not null
) partition by range (id);
create index request_fingerprint on ledger.request (fingerprint);

create table ledger.work (
  request_id uuid primary key,
  class text not null check (class in ('urgent', 'interactive', 'async', 'background')),
  key_group text not null,
  account text not null,
  ca text not null,
  profile text,
  purpose text not null,
  fingerprint bytea not null,
  state text not null check (state in ('queued', 'signing')),
  deadline timestamptz not null,
  accepted_at timestamptz not null,
  -- Never decreases. The compare-and-set of complete is on it.
  attempt integer not null default 0,
  lost integer not null default 0,
  burned integer not null default 0,
  signer text,
  claim_id uuid,
  serial bytea,
  lease_until timestamptz,
  check ((state = 'signing') = (lease_until is not null and signer is not null and claim_id is not null))
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05);
-- Claim by policy: a cursor over the flows (account, CA) of a lane.
create index work_flow on ledger.work (class, key_group, account, ca, deadline, request_id) where state = 'queued';
create index work_overdue on ledger.work (deadline) where state = 'queued';
create index work_lease on ledger.work (lease_until) where state = 'signing';

create table ledger.shelf (
  request_id uuid primary key,
  class text not null,
  key_group text not null,
  account text not null,
  ca text not null,
  profile text,
  purpose text not null,
  fingerprint bytea not null,
  state text not null check (state in ('parked', 'failed')),
  accepted_at timestamptz not null,
  attempt integer not null,
  lost integer not null,
  burned integer not null,
  code text not null,
  receipt uuid,
  shelved_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index shelf_expiry on ledger.shelf (expires_at);
create index shelf_flow on ledger.shelf (account, ca);

-- One per request, at its end. Never changed.
create table ledger.outcome (
  request_id uuid not null primary key,
  state text not null check (state in ('issued', 'rejected', 'expired', 'cancelled')),
  code text,
  detail text,
  attempt integer not null,
  serial bytea,
  -- Expired or rejected although a serial had been burned for it: what may exist is revoked, none will be handed out.
  withheld boolean not null default false,
  ended_by text not null,
  ended_at timestamptz not null default clock_timestamp()
) partition by range (request_id);

-- Also what a late signer brought: its serial is `burned`, it is never handed out, but it is known.
create table ledger.certificate (
  request_id uuid not null,
  attempt integer not null,
  ca text not null,
  serial bytea not null,
  not_before timestamptz not null,
  not_after timestamptz not null,
  der bytea not null,
  stored_at timestamptz not null default clock_timestamp(),
  primary key (request_id, attempt)
) partition by range (request_id);

-- What no immutable row already says: leases lost, releases, burns, parkings.
create table ledger.event (
  request_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  attempt integer,
  actor text not null,
  detail jsonb not null default '{}'
) partition by range (request_id);
create index event_request on ledger.event (request_id, at);

-- A key is unique per account for 72 h. A unique key on a table partitioned by time would have to contain the time.
create table ledger.idempotency (
  account text not null,
  key text not null,
  request_id uuid not null,
  payload_hash bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  primary key (account, key)
) partition by hash (account, key);

-- Open or shelved requests by fingerprint (the account is part of it): what a keyless equal request joins.
create table ledger.open_fingerprint (
  fingerprint bytea primary key,
  account text not null,
  request_id uuid not null
);

-- The record of intent: with the request row and the template, the bytes to be signed can be rebuilt from it.
create table ledger.serial (
  ca text not null,
  serial bytea not null check (length(serial) between 9 and 19 and get_byte(serial, 0) between 1 and 127),
  request_id uuid not null,
  attempt integer not null,
  state text not null check (state in ('intended', 'issued', 'void', 'burned')),
  claim_id uuid not null,
  signer text not null,
  claimed_at timestamptz not null,
  lease_until timestamptz not null,
  not_before timestamptz not null,
  profile text not null,
  profile_revision integer not null,
  compiler text not null,
  template_hash bytea not null,
  epoch bigint not null,
  primary key (ca, serial)
) partition by hash (ca, serial);
create index serial_request on ledger.serial (request_id);

create table ledger.revocation (
  ca text not null,
  serial bytea not null,
  request_id uuid not null,
  revoked_at timestamptz not null default clock_timestamp(),
  -- RFC 5280 CRLReason; null: unspecified, the field is left out.
  reason integer,
  primary key (ca, serial)
);

do $$
begin
  for i in 0..15 loop
    execute format('create table ledger.idempotency_%s partition of ledger.idempotency for values with (modulus 16, remainder %s)', i, i);
    execute format('create index on ledger.idempotency_%s (expires_at)', i);
    execute format('create table ledger.serial_%s partition of ledger.serial for values with (modulus 16, remainder %s) with (fillfactor = 80)', i, i);
  end loop;
end $$;

reset role;
