import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { removePostgres } from '@sluice/local-stack';
import { type AdminClient, makeMoreCas, patient, type System, startSystem } from '@sluice/testkit';
import { plantBug } from '../crash/plant-bug.js';
import { makeAccounts } from '../flood/accounts.js';
import { plantNoDeadlines } from '../flood/old-queue.js';
import { destroyKeys } from '../incident/destroy-keys.js';
import type { Guard } from './guards.js';
import { ordersPerSecondOf, type Size } from './size.js';

const clientAccounts = ['client-1', 'client-2', 'client-3'];
/** Of what an account orders when all is well: less than all its retries. */
const limitTimes = 2.5;

export interface StageOptions {
  readonly has: ReadonlySet<Guard>;
  readonly size: Size;
  readonly postgres: 'own' | 'shared';
}

/** A Sluice before the ceremony, with what its guards leave of it. */
export interface Stage {
  readonly system: System;
  readonly clientKeys: readonly string[];
  /** Of the account that the OCSP responders use. */
  readonly renewerKey: string;
  readonly renewerAccount: string;
  readonly deadCas: readonly string[];
  readonly liveCas: readonly string[];
  /** The CAs retire, their profiles are disabled, their keys destroyed. Front ends have applied it if they are told. */
  ceremony(): Promise<void>;
  /** Ends it; says what did not end well. */
  close(): Promise<string[]>;
}

/** How a guard is taken away that is part of the processes. The others are the load's, the wire's and the operator's. */
const without: Partial<Record<Guard, (system: System) => Promise<unknown>>> = {
  'error-filter': (system) => plantBug(system, 'steps-back'),
  deadline: plantNoDeadlines,
  admission: (system) => plantBug(system, 'unadmitted'),
};

export async function setStage({ has, size, postgres }: StageOptions): Promise<Stage> {
  const deadCas = Array.from({ length: 6 }, (_, index) => `retired-${index + 1}`);
  const liveCas = Array.from({ length: size.liveCas }, (_, index) => `live-${index + 1}`);
  const { signaturesPerSecond } = size;
  const system = await startSystem({ signers: 2, frontEnds: 2, wires: true, signaturesPerSecond, postgres });
  const { apiKey: renewerKey } = await makeMoreCas(system.admin, [...deadCas, ...liveCas]);
  const limit = Math.ceil((limitTimes * ordersPerSecondOf(size)) / clientAccounts.length);
  const clientKeys = await makeAccounts(system, clientAccounts, { rate_per_second: limit, burst: 2 * limit });
  await system.applied([...system.signers, ...system.frontEnds]);
  for (const [guard, take] of Object.entries(without)) if (!has.has(guard as Guard)) await take(system);
  return {
    system,
    clientKeys,
    renewerKey,
    renewerAccount: `of-${deadCas[0]}`,
    deadCas,
    liveCas,
    async ceremony() {
      if (!has.has('push')) system.wires?.frontEndsRegistry.cut();
      for (const ca of deadCas) await retire(patient(system.admin), ca);
      destroyKeys(system, deadCas);
      if (has.has('push')) await system.applied(system.frontEnds);
    },
    async close() {
      const faults = await system.stop();
      if (postgres === 'own') {
        await removePostgres(join(system.dir, 'postgres'));
        rmSync(system.dir, { recursive: true, force: true });
      }
      return faults;
    },
  };
}

async function retire(admin: AdminClient, ca: string): Promise<void> {
  const reason = 'key ceremony';
  await admin.call('POST', `/admin/v1/cas/${ca}/disable`, { reason });
  await admin.call('POST', `/admin/v1/cas/${ca}/retire`, { reason });
  await admin.call('POST', `/admin/v1/profiles/${ca}-tls/disable`, { reason });
}
