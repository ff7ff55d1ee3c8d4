import { type ServiceName, serviceNames } from '@sluice/ledger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedgerFixture, type LedgerFixture, refusedWith } from './ledger-fixture.js';

// Goal: each role has its verbs and nothing else. Method: everything that exists in the two schemas is enumerated from
// the catalogue and tried, as that role; what it may is spelled out here, so that a new grant fails this test.

const everybody = ['ledger.takes_writes', 'registry.enrol', 'registry.renew'];
const verbs: Readonly<Record<ServiceName, readonly string[]>> = {
  'identity-api': [
    ...everybody,
    'ledger.accept',
    'ledger.cancel',
    'ledger.decide',
    'ledger.extend',
    'ledger.find_equal',
    'ledger.join_keys',
    'ledger.read',
    'ledger.read_load',
  ],
  signer: [
    ...everybody,
    'ledger.audit_leases',
    'ledger.audit_next',
    'ledger.audit_registry',
    'ledger.burn',
    'ledger.claim',
    'ledger.claim_again',
    'ledger.complete',
    'ledger.complete_ca_certificate',
    'ledger.complete_generate',
    'ledger.lane_loads',
    'ledger.register_templates',
    'ledger.reject',
    'ledger.release',
    'ledger.report_capacity',
    'ledger.sweep',
    'registry.attach_token',
    'registry.blocked_keys',
    'registry.key_missing',
    'registry.knows_token',
  ],
  'issuer-registry': [
    ...everybody,
    'ledger.audit',
    'ledger.audit_end',
    'ledger.audit_leases',
    'ledger.audit_registry',
    'ledger.make_partitions',
    'ledger.micros',
    'ledger.partition_watch',
    'ledger.purge_idempotency',
    'ledger.read',
    'ledger.uuid_floor',
    'ledger.vacuum_watch',
    'registry.acknowledge',
    'registry.add_api_key',
    'registry.admit_restore',
    'registry.apply_profile',
    'registry.block_key',
    'registry.carry_on',
    'registry.confirm',
    'registry.create_account',
    'registry.create_ca',
    'registry.disable_ca',
    'registry.enable_ca',
    'registry.fence_expired',
    'registry.forget_subscriber',
    'registry.heard_epoch',
    'registry.hold_work',
    'registry.key_work_wanted',
    'registry.lift_quarantine',
    'registry.open_stream',
    'registry.preview',
    'registry.put_key_work',
    'registry.queue_groups',
    'registry.refuse',
    'registry.resubmit',
    'registry.retire_ca',
    'registry.revoke_api_key',
    'registry.set_account_limits',
    'registry.set_account_state',
    'registry.set_profile_state',
    'registry.steer',
    'registry.take_receipts',
    'registry.undo_hold',
  ],
  'ocsp-responder': everybody,
};
const refused = '42501';

let fixture: LedgerFixture;
let functions: { name: string; call: string }[];
let tables: { name: string; column: string }[];
beforeAll(async () => {
  fixture = await createLedgerFixture('rights');
  functions = await fixture.sql(
    `select n.nspname || '.' || p.proname as name,
       format('%I.%I(%s)', n.nspname, p.proname, (select string_agg('null::' || format_type(a, null), ', ' order by i) from unnest(p.proargtypes::oid[]) with ordinality t (a, i))) as call
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('registry', 'ledger') order by 1`,
  );
  tables = await fixture.sql(
    `select format('%I.%I', n.nspname, c.relname) as name, (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = 1) as column
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('registry', 'ledger') and c.relkind in ('r', 'p', 'v', 'm', 'f')
     union all select 'public.sluice_migration', 'id' order by 1`,
  );
});
afterAll(() => fixture?.close());

/** Each statement as that role, and the SQLSTATE it was refused with; null when it was not. */
async function tryAll(service: ServiceName, statements: readonly string[]): Promise<[string, string | null][]> {
  const database = fixture.connect(service, 1);
  const text = `do $do$ declare s text; r jsonb := '[]'; begin
    for s in select jsonb_array_elements_text($json$${JSON.stringify(statements)}$json$::jsonb) loop
      begin
        execute s;
        r := r || jsonb_build_array(jsonb_build_array(s, null));
      exception when others then
        r := r || jsonb_build_array(jsonb_build_array(s, sqlstate));
      end;
    end loop;
    perform set_config('test.states', r::text, false);
  end $do$`;
  await database.call({ name: '', text }, []);
  const [row] = await database.call<{ states: [string, string | null][] }>(
    { name: '', text: `select current_setting('test.states')::jsonb as states` },
    [],
  );
  return row?.states ?? [];
}

it('looks at something', () => {
  expect(functions.length).toBeGreaterThan(40);
  expect(tables.length).toBeGreaterThan(40);
  const known = new Set(functions.map(({ name }) => name));
  expect(
    Object.values(verbs)
      .flat()
      .filter((name) => !known.has(name)),
  ).toEqual([]);
});

it('gives nobody what a later migration makes', async () => {
  await fixture.sql(`do $$ begin
    execute format('set local role %I', current_database() || '_owner');
    create function ledger.later() returns integer language sql as 'select 1';
    create table ledger.later_table (id integer);
  end $$`);
  for (const service of serviceNames) {
    expect(await tryAll(service, ['select ledger.later()', 'select from ledger.later_table'])).toEqual([
      ['select ledger.later()', refused],
      ['select from ledger.later_table', refused],
    ]);
  }
  await fixture.sql('do $$ begin drop function ledger.later(); drop table ledger.later_table; end $$');
});

describe.each(serviceNames)('%s', (service) => {
  it('may call its verbs', async () => {
    const role = `${fixture.database}_${service.replaceAll('-', '_')}`;
    const granted = await fixture.sql<{ name: string }>(
      `select distinct n.nspname || '.' || p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname in ('registry', 'ledger') and has_function_privilege($1, p.oid, 'execute') order by 1`,
      role,
    );
    expect(granted.map(({ name }) => name)).toEqual([...verbs[service]].sort());
  });

  it('is refused every other function', async () => {
    const others = functions.filter(({ name }) => !verbs[service].includes(name)).map(({ call }) => `select ${call}`);
    expect(await tryAll(service, others)).toEqual(others.map((statement) => [statement, refused]));
  });

  it('writes no table', async () => {
    const writes = tables.flatMap(({ name, column }) => [
      `insert into ${name} default values`,
      `update ${name} set ${column} = ${column}`,
      `delete from ${name}`,
      `truncate ${name}`,
      `lock table ${name} in share mode`,
      `select from ${name} for update`,
    ]);
    const states = await tryAll(service, writes);
    expect(states).toEqual(writes.map((statement) => [statement, refused]));
  });

  it(service === 'issuer-registry' ? 'reads every table' : 'reads no table', async () => {
    const may = (name: string): boolean => service === 'issuer-registry' && !name.startsWith('public.');
    const reads = tables.map(({ name }) => `select * from ${name} limit 1`);
    const states = await tryAll(service, reads);
    expect(states).toEqual(tables.map(({ name }, index) => [reads[index], may(name) ? null : refused]));
  });

  it.each([
    'create table ledger.mine ()',
    'create table public.mine ()',
    'create temporary table mine ()',
    'create schema mine',
    'create function ledger.mine() returns void language sql as $$ select $$',
    'alter function ledger.read(uuid[]) owner to current_user',
    'alter table ledger.work disable trigger all',
    'OWNER',
  ])('is refused: %s', async (text) => {
    const database = fixture.connect(service, 1);
    const statement = text === 'OWNER' ? `set role ${fixture.database}_owner` : text;
    expect(await refusedWith(database.call({ name: '', text: statement }, []))).toBe(refused);
  });
});
