import { SluiceError } from '@sluice/errors';
import type { CaRow } from '@sluice/ledger';
import { createMetrics } from '@sluice/telemetry';
import { beforeEach, expect, it } from 'vitest';
import { createSubscriberMetrics } from './subscriber-metrics.js';
import { createMemoryRegistryStore, type MemoryRegistryStore } from './testing/memory-registry-store.js';
import { newSubscriber } from './testing/memory-subscriber-store.js';

const now = new Date('2026-11-21T10:00:00Z');
const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

let store: MemoryRegistryStore;
let read: () => Promise<string[]>;
beforeEach(() => {
  store = createMemoryRegistryStore(now);
  const metrics = createMetrics('issuer-registry');
  const quiet = (): void => undefined;
  createSubscriberMetrics({ metrics, store, ledgerClock: () => now, log: { info: quiet, warn: quiet, error: quiet } });
  read = async () => {
    const text = await metrics.registry.metrics();
    const ours = /^sluice_(registry|subscriber|proposals|ca)_/;
    return text
      .split('\n')
      .filter((line) => ours.test(line))
      .map((line) => line.replace(',service="issuer-registry"', '').replace('{service="issuer-registry"}', ''));
  };
});

it('tells who has applied what, how long ago each was heard, and what is held', async () => {
  const row = newSubscriber({
    name: 's1',
    service: 'signer',
    acknowledgedEpoch: 1n,
    appliedEpoch: 1n,
    heardAt: ago(4),
  });
  store.subscriberRows = [
    row,
    { ...row, name: 's2', fenced: true, acknowledgedEpoch: 0n, appliedEpoch: 0n, heardAt: ago(90) },
    { ...row, name: 's3', acknowledgedEpoch: 0n },
    { ...row, name: 'r1', service: 'issuer-registry' },
  ];
  store.cas.push({ name: 'tls', quarantined: true, quarantinedTokens: ['hsm-a'] } as unknown as CaRow);
  const lines = await read();
  const of = (name: string): string => `subscriber="${name}",subscriber_service="signer"`;
  expect(lines).toEqual(
    expect.arrayContaining([
      'sluice_registry_epoch 1',
      'sluice_registry_confirmed_epoch 0',
      'sluice_proposals_waiting 0',
      `sluice_subscriber_epoch{${of('s1')}} 1`,
      `sluice_subscriber_lag_epochs{${of('s1')}} 0`,
      `sluice_subscriber_lag_epochs{${of('s2')}} 1`,
      `sluice_subscriber_lag_epochs{${of('s3')}} 0`,
      `sluice_subscriber_heard_age_seconds{${of('s2')}} 90`,
      `sluice_subscriber_standing{${of('s1')},standing="applied"} 1`,
      `sluice_subscriber_standing{${of('s1')},standing="silent"} 0`,
      `sluice_subscriber_standing{${of('s2')},standing="fenced"} 1`,
      'sluice_ca_quarantined{ca="tls",token=""} 1',
      'sluice_ca_quarantined{ca="tls",token="hsm-a"} 1',
    ]),
  );
  expect(lines.filter((line) => line.includes('r1'))).toEqual([]);
  store.cas.length = 0;
  store.subscriberRows = [row];
  expect((await read()).filter((line) => /s2|quarantined/.test(line))).toEqual([]);
});

it('leaves out what it cannot read, and tells it again later', async () => {
  store.away = new SluiceError('unavailable');
  expect(await read()).toEqual([]);
  store.away = undefined;
  expect(await read()).toContain('sluice_registry_epoch 1');
});
