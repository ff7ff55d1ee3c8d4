import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { armKill, disarm, type Member } from '@sluice/testkit';
import * as provoke from './provocations.js';
import { until } from './signer-faults.js';

const strikeWaitMs = 20_000;

const pair = (verb: string, provoked: provoke.Provoke): [string, provoke.Provoke][] => {
  const [service, name] = verb.split(':');
  return [
    [`${service}:before-${name}`, provoked],
    [`${service}:after-${name}`, provoked],
  ];
};

/** Each kill point outside the signer's own (`signerKillPoints`), with what makes somebody pass it. */
export const servicePoints: readonly (readonly [label: string, provoked: provoke.Provoke])[] = [
  ...pair('identity-api:accept', provoke.byLoad),
  ...pair('identity-api:read', provoke.byLoad),
  ['identity-api:before-answer', provoke.byLoad],
  ...pair('identity-api:join', provoke.join),
  ...pair('identity-api:decide', provoke.decide),
  ...pair('identity-api:cancel', provoke.cancel),
  ...pair('issuer-registry:createAccount', provoke.account),
  ...pair('issuer-registry:applyProfile', provoke.profile),
  ...pair('issuer-registry:blockKey', provoke.blockKey),
  ...pair('issuer-registry:createCa', provoke.newCa),
  ...pair('issuer-registry:putKeyWork', provoke.newCa),
  ...pair('issuer-registry:disableCa', provoke.disable),
  ...pair('issuer-registry:makePartitions', provoke.registryStarts),
  ...pair('issuer-registry:purgeIdempotency', provoke.registryStarts),
  ...pair('signer:registerTemplates', provoke.profile),
  ...pair('signer:completeGenerate', provoke.newCa),
  ...pair('signer:completeCaCertificate', provoke.newCa),
  ...pair('signer:reject', provoke.reject),
  ...pair('signer:release', provoke.keysStall),
  ...pair('signer:burn', provoke.keysStall),
  ...pair('signer:sweep', provoke.byLoad),
  ...pair('signer:audit', provoke.signerStarts),
  ...(['identity-api', 'signer', 'issuer-registry'] as const).flatMap((service) => [
    ...pair(`${service}:enrol`, provoke.enrol),
    ...pair(`${service}:renew`, provoke.renew),
  ]),
];

/** kill -9 of whoever passes that point next, when it was provoked; returns who died. */
export async function dieAt(site: provoke.Site, label: string, provoked: provoke.Provoke): Promise<Member> {
  const { killFile, frontEnds, signers, registry } = site.system;
  const members = [...frontEnds, ...signers, registry].filter(({ name }) => name.startsWith(label.split(':')[0] ?? ''));
  const end = performance.now() + strikeWaitMs;
  const isArmed = (): boolean => existsSync(killFile); // who dies of it takes it away
  armKill(killFile, label);
  while (isArmed() && performance.now() < end) {
    let over = false;
    void provoked(site)
      .catch(() => undefined)
      .then(() => {
        over = true;
      });
    while (isArmed() && !over) await wait(10);
  }
  if (disarm(killFile)) throw new Error(`nobody passed ${label} within ${strikeWaitMs} ms`);
  await until('somebody is dead', () => members.some(({ alive }) => !alive));
  return members.find(({ alive }) => !alive) as Member;
}
