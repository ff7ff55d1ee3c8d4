import { X509Certificate } from 'node:crypto';
import { makeCsr, type System, startSystem, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PreloadResult, preload } from './preload.js';

const requests = 2000;
let system: System;
let loaded: PreloadResult;

beforeAll(async () => {
  system = await startSystem({ postgres: 'own' });
  // It throws when the live audit finds anything in what it loaded.
  loaded = await preload(system, requests, () => undefined);
});
afterAll(async () => {
  expect(await system.stop()).toEqual([]);
});

async function countOf(table: string): Promise<number> {
  const [row] = await system.query<{ count: number }>(`select count(*)::integer as count from ${table}`);
  return row?.count ?? 0;
}

it('loads requests with their ends, serials, certificates, revocations and younger keys, all in their partitions', async () => {
  // Counted: the sizes in the result are estimates, and the statistics of rows just written may come after the vacuum.
  const rows: Record<string, number> = {};
  for (const table of ['request', 'outcome', 'revocation', 'event', 'idempotency'])
    rows[table] = await countOf(`ledger.${table}`);
  const made = 7; // the hierarchy and the pattern
  expect(rows.request).toBe(requests + made);
  expect(rows.outcome).toBe(requests + made);
  expect(rows).toMatchObject({ revocation: requests * 0.005, event: requests * 0.005 });
  expect(await countOf('ledger.request_default')).toBe(0);
  expect(loaded.sizes.map(({ table }) => table)).toEqual(expect.arrayContaining(Object.keys(rows)));
  expect(rows.idempotency).toBeGreaterThan(1);
});

it('makes each certificate one of its own, which says what its row says', async () => {
  const rows = await system.query<{ der: Buffer; serial: string; not_before: Date; number: string }>(
    `select c.der, encode(c.serial, 'hex') as serial, c.not_before, substring(r.content from 'client-\\d+') as number
     from ledger.certificate c join ledger.request r on r.id = c.request_id where r.accepted_by = 'identity-api-1' and r.profile = '${testProfiles.p256}'`,
  );
  expect(new Set(rows.map(({ der }) => new X509Certificate(der).fingerprint256)).size).toBe(rows.length);
  for (const { der, serial, not_before, number } of rows) {
    const certificate = new X509Certificate(der);
    expect(certificate.serialNumber.toLowerCase()).toBe(serial);
    expect(certificate.subject).toContain(`CN=${number}.example`);
    expect(new Date(certificate.validFrom)).toEqual(not_before);
  }
});

it('leaves a system that explains what was loaded, and issues', async () => {
  const [burned] = await system.query<{ id: string }>(
    "select request_id as id from ledger.event where kind = 'burned' limit 1",
  );
  const why = await system.admin.call('GET', `/admin/v1/requests/${burned?.id}`);
  expect(why).toMatchObject({ state: 'issued', attempts: [{ serial_state: 'burned' }, { serial_state: 'issued' }] });
  const answer = await system.client().post({
    profile: testProfiles.p256,
    subjectDn: { common_name: 'later.example' },
    csr: makeCsr('ec-p256', 'later.example').pem,
  });
  expect(answer.status).toBe(201);
});
