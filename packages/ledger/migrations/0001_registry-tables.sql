-- The owner of everything below: a role nobody logs in as. Services get EXECUTE on verbs, never a table to write.
do $$
declare
  v_owner text := current_database() || '_owner';
begin
  if not exists (select from pg_roles where rolname = v_owner) then
    execute format('create role %I nologin', v_owner);
  end if;
  execute format('grant %I to current_user', v_owner);
  execute format('create schema registry authorization %I', v_owner);
  execute format('create schema ledger authorization %I', v_owner);
  execute format('set local role %I', v_owner);
end $$;

-- One row: grows by one with each change of a CA, profile, account or hold, in the transaction that makes it.
create table registry.epoch (
  one boolean primary key default true check (one),
  epoch bigint not null
);
insert into registry.epoch (epoch) values (1);

-- Change log and audit trail of the registry. Never changed.
create table registry.change (
  epoch bigint primary key,
  changed_at timestamptz not null default clock_timestamp(),
  operator text not null,
  kind text not null,
  subject text not null,
  reason text,
  before jsonb,
  after jsonb
);

create table registry.ca (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  key_group text not null check (key_group ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  state text not null check (state in ('pending', 'active', 'disabled', 'retiring', 'destroying', 'destroyed')),
  quarantined boolean not null default false,
  key_algorithm text not null,
  subject text not null,
  -- Two CA keys with equal subject are refused: a relying party could not tell them apart.
  subject_der bytea not null unique,
  spki bytea,
  certificate bytea,
  not_after timestamptz,
  issuer text not null references registry.ca (name),
  certificate_profile text not null,
  epoch bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  check (state = 'pending' or (spki is not null and certificate is not null and not_after is not null))
);

-- Quarantine per (CA, token): a key missing on one token of a group.
create table registry.ca_token (
  ca text not null references registry.ca (name),
  token text not null,
  quarantined boolean not null default false,
  reason text,
  since timestamptz not null default clock_timestamp(),
  primary key (ca, token)
);

create table registry.profile (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  ca text not null references registry.ca (name),
  purpose text not null check (purpose in ('subscriber', 'ocsp-signer', 'ca-certificate')),
  state text not null check (state in ('enabled', 'disabled')),
  revision integer not null check (revision > 0),
  epoch bigint not null,
  created_at timestamptz not null default clock_timestamp()
);
create index profile_ca on registry.profile (ca);

create table registry.profile_revision (
  profile text not null references registry.profile (name) deferrable initially deferred,
  revision integer not null,
  document jsonb not null,
  time_to_live_s integer not null check (time_to_live_s > 0),
  backdate_s integer not null check (backdate_s between 0 and 86400),
  epoch bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (profile, revision)
);

-- Which bytes a compiler version makes of a revision. Two signers that disagree cannot both register.
create table registry.template (
  profile text not null,
  revision integer not null,
  compiler text not null,
  hash bytea not null check (length(hash) = 32),
  registered_by text not null,
  registered_at timestamptz not null default clock_timestamp(),
  primary key (profile, revision, compiler),
  foreign key (profile, revision) references registry.profile_revision (profile, revision)
);

create table registry.account (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  state text not null check (state in ('enabled', 'disabled')),
  epoch bigint not null,
  created_at timestamptz not null default clock_timestamp()
);

create table registry.account_profile (
  account text not null references registry.account (name),
  profile text not null references registry.profile (name),
  primary key (account, profile)
);

create table registry.api_key (
  hash bytea primary key check (length(hash) = 32),
  account text not null references registry.account (name),
  state text not null check (state in ('in-force', 'revoked')),
  created_at timestamptz not null default clock_timestamp()
);
create index api_key_account on registry.api_key (account);

create table registry.operator (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  public_key bytea not null unique,
  created_at timestamptz not null default clock_timestamp()
);

create table registry.service_key (
  name text primary key,
  service text not null check (service in ('identity-api', 'signer', 'issuer-registry', 'ocsp-responder')),
  public_key bytea not null unique,
  created_at timestamptz not null default clock_timestamp()
);

-- Whoever acts on registry state. The lease is renewed by the process itself, here, so that a lost registry fences nobody.
create table registry.subscriber (
  name text primary key check (length(name) between 1 and 128),
  service text not null,
  incarnation bigint not null,
  lease_until timestamptz not null,
  fenced boolean not null default false,
  applied_epoch bigint not null default 0,
  enrolled_at timestamptz not null default clock_timestamp(),
  renewed_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

-- What the claim must leave alone. A null matches everything; a fraction is a stable hash of the request id.
create table registry.hold (
  id uuid primary key default gen_random_uuid(),
  ca text references registry.ca (name),
  profile text,
  account text,
  class text,
  fraction double precision check (fraction > 0 and fraction <= 1),
  reason text not null,
  operator text not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  lifted_at timestamptz
);

reset role;
