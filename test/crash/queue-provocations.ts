import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { makeCsr, type System } from '@sluice/testkit';
import type { SiteWithCaApart } from './registry-provocations.js';

const reason = 'to see what a failure leaves';

interface Receipt {
  readonly id: string;
  readonly state: string;
}

const receipts = async ({ admin }: System): Promise<readonly Receipt[]> =>
  (await admin.call<{ receipts: Receipt[] }>('GET', '/admin/v1/receipts')).receipts;
const act = (system: System, { id }: Receipt, verb: 'undo' | 'pause' | 'resume'): Promise<Receipt> =>
  system.admin.call<Receipt>('POST', `/admin/v1/receipts/${id}/${verb}`, { reason });

/** Nothing is held any more, and what was set aside comes back. */
export async function bringBack(system: System): Promise<void> {
  for (const receipt of await receipts(system)) {
    if (['moving', 'holding'].includes(receipt.state)) await act(system, receipt, 'undo');
    if (receipt.state === 'paused') await act(system, receipt, 'resume');
  }
}

async function park({ system, apart }: SiteWithCaApart): Promise<Receipt> {
  const filter = { ca: apart.ca };
  const body = { filter, for_s: 600, arriving: true, reason };
  return (await system.admin.call<{ receipt: Receipt }>('POST', '/admin/v1/queue/park', body)).receipt;
}

/** Work of the CA apart is parked and brought back: by an undo, and by a resubmission that rests in between. */
export async function parkAndBringBack(site: SiteWithCaApart): Promise<void> {
  const { system, apart } = site;
  await bringBack(system);
  await act(system, await park(site), 'undo');
  const parked = await park(site);
  const name = `${randomUUID()}.example`;
  const order = { profile: apart.profile, csr: makeCsr('ec-p256', name).pem, subjectDn: { common_name: name } };
  await apart.client.post({ ...order, key: randomUUID(), prefer: 'respond-async' });
  const moved = () => system.query('select from ledger.shelf where receipt = $1', [parked.id]);
  for (let looks = 0; looks < 100 && (await moved()).length === 0; looks += 1) await wait(50);
  const body = { receipt: parked.id, filter: {}, states: ['parked'], rate_per_s: 1, reason };
  const { receipt } = await system.admin.call<{ receipt: Receipt }>('POST', '/admin/v1/queue/resubmit', body);
  await act(system, receipt, 'pause');
  await act(system, receipt, 'resume');
}
