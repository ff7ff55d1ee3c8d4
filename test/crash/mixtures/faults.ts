import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { armKill, disarm, type Member, type System, type TcpProxy } from '@sluice/testkit';
import { labelledVerbs } from '../../processes/kill-labels.js';
import { signerKillPoints } from '../signer-faults.js';
import { choose } from './seeded-random.js';
import { startAgain } from './start-again.js';

export interface FaultSite {
  readonly system: System;
  readonly lastsMs: number;
  readonly random: () => number;
  /** What the pacer grants when nothing is wrong. */
  readonly signaturesPerSecond: number;
}

export interface Fault {
  /** Of the faults that touch one thing only one is in a mixture. */
  readonly touches: readonly (
    | 'signer'
    | 'identity-api'
    | 'issuer-registry'
    | 'redis'
    | 'postgres'
    | 'redis-wire'
    | 'postgres-wire'
    | 'clock'
    | 'capacity'
    | 'kill-order'
  )[];
  /** Does the harm, waits, and undoes it. Returns what it chose, for the report. */
  readonly strike: (site: FaultSite) => Promise<string>;
}

const labelsOf = (service: keyof typeof labelledVerbs): string[] =>
  labelledVerbs[service].flatMap((verb) => [`${service}:before-${verb}`, `${service}:after-${verb}`]);

/** Every kill point of every service. */
export const killPoints = {
  signer: [
    ...signerKillPoints,
    'signer:before-sign',
    'signer:before-sweep',
    'signer:after-sweep',
    ...labelsOf('signer'),
  ],
  'identity-api': [
    'identity-api:before-accept',
    'identity-api:after-accept',
    'identity-api:before-answer',
    ...labelsOf('identity-api'),
  ],
  'issuer-registry': labelsOf('issuer-registry'),
} as const;

const membersOf = (system: System, service: keyof typeof killPoints): readonly Member[] =>
  ({ signer: system.signers, 'identity-api': system.frontEnds, 'issuer-registry': [system.registry] })[service];

/** kill -9 at a label, wherever that is passed first; a label that nobody passes in that time strikes nobody. */
function killedAtLabel(service: keyof typeof killPoints): Fault {
  return {
    touches: [service, 'kill-order'],
    async strike({ system, lastsMs, random }) {
      const label = choose(random, killPoints[service]);
      const members = membersOf(system, service).filter(({ alive }) => alive);
      const { killFile } = system;
      const death = Promise.race(members.map((member) => member.process.exited.then(() => member)));
      armKill(killFile, label, 1 + Math.floor(random() * 5));
      const inTime = await Promise.race([death, wait(lastsMs + 1000, undefined)]);
      const dead = inTime ?? (disarm(killFile) ? undefined : await death);
      if (dead === undefined) return `${label}, not passed`;
      await startAgain(dead);
      return label;
    },
  };
}

/** kill -9 at no particular place. */
function killed(service: keyof typeof killPoints): Fault {
  return {
    touches: [service],
    async strike({ system, lastsMs, random }) {
      const member = choose(random, membersOf(system, service));
      await member.process.kill9();
      await wait(Math.min(lastsMs, 5000));
      await startAgain(member);
      return member.name;
    },
  };
}

/** SIGSTOP, longer than a lease when the time is there for it, and SIGCONT. */
function frozen(service: 'signer' | 'identity-api' | 'issuer-registry'): Fault {
  return {
    touches: [service],
    async strike({ system, lastsMs, random }) {
      const member = choose(random, membersOf(system, service));
      member.process.freeze();
      await wait(lastsMs);
      member.process.thaw();
      return member.name;
    },
  };
}

function wire(
  which: 'redis' | 'postgres',
  damage: string,
  harm: (wire: TcpProxy, random: () => number) => void,
): Fault {
  return {
    touches: [`${which}-wire`],
    async strike({ system, lastsMs, random }) {
      const proxy = system.wires?.[which];
      if (proxy === undefined) throw new Error('a mixture needs wires');
      harm(proxy, random);
      await wait(lastsMs);
      proxy.heal();
      return damage;
    },
  };
}
const cut = (proxy: TcpProxy) => proxy.cut();
const blackHole = (proxy: TcpProxy) => proxy.blackHole();
const halfOpen = (proxy: TcpProxy) => proxy.halfOpen();
const forget = (proxy: TcpProxy) => proxy.forget();
const delay = (proxy: TcpProxy, random: () => number) => proxy.delay(20 + random() * 200);

const hourMs = 3_600_000;

/** Whatever may happen to a running Sluice. Each undoes itself. */
export const faults = {
  'signer-killed-at': killedAtLabel('signer'),
  'front-end-killed-at': killedAtLabel('identity-api'),
  'registry-killed-at': killedAtLabel('issuer-registry'),
  'signer-killed': killed('signer'),
  'front-end-killed': killed('identity-api'),
  'registry-killed': killed('issuer-registry'),
  'signer-frozen': frozen('signer'),
  'front-end-frozen': frozen('identity-api'),
  'registry-frozen': frozen('issuer-registry'),
  'redis-killed': {
    touches: ['redis'],
    async strike({ system, lastsMs }) {
      await system.redis.kill9();
      await wait(lastsMs);
      await system.redis.restart();
      return 'with what its file kept';
    },
  },
  'redis-emptied': {
    touches: ['redis'],
    async strike({ system, lastsMs }) {
      await system.redis.kill9();
      await wait(lastsMs);
      rmSync(join(system.dir, 'redis', 'appendonlydir'), { recursive: true, force: true });
      await system.redis.restart();
      return 'empty';
    },
  },
  'redis-hanging': {
    touches: ['redis'],
    async strike({ system, lastsMs }) {
      system.redis.freeze();
      await wait(lastsMs);
      system.redis.thaw();
      return 'frozen';
    },
  },
  'postgres-killed': {
    touches: ['postgres'],
    async strike({ system, lastsMs }) {
      await system.postgres?.kill9();
      await wait(Math.min(lastsMs, 30_000));
      await system.postgres?.restart();
      return 'kill -9 of all its processes';
    },
  },
  'postgres-stopped': {
    touches: ['postgres'],
    async strike({ system, lastsMs }) {
      await system.postgres?.stop();
      await wait(Math.min(lastsMs, 30_000));
      await system.postgres?.restart();
      return 'in good order';
    },
  },
  'postgres-refusing': wire('postgres', 'refusing connections', cut),
  'postgres-hanging': wire('postgres', 'nothing gets through', blackHole),
  'postgres-answers-lost': wire('postgres', 'answers do not arrive', halfOpen),
  'postgres-forgotten': wire('postgres', 'old connections dead', forget),
  'postgres-slow': wire('postgres', 'slow', delay),
  'redis-refusing': wire('redis', 'refusing connections', cut),
  'redis-answers-lost': wire('redis', 'answers do not arrive', halfOpen),
  'redis-forgotten': wire('redis', 'old connections dead', forget),
  'clock-off': {
    touches: ['clock'],
    async strike({ system, lastsMs, random }) {
      const member = choose(random, [...system.signers, ...system.frontEnds, system.registry]);
      const aheadMs = random() < 0.5 ? hourMs : -hourMs;
      member.setClock(aheadMs);
      await wait(lastsMs);
      member.setClock(0);
      return `${member.name} ${aheadMs > 0 ? 'an hour ahead' : 'an hour behind'}`;
    },
  },
  'keys-stall': {
    touches: ['capacity'],
    async strike({ system, lastsMs, signaturesPerSecond }) {
      system.pacer?.setRate(0);
      await wait(lastsMs);
      system.pacer?.setRate(signaturesPerSecond);
      return 'no signature is granted';
    },
  },
} satisfies Record<string, Fault>;
export type FaultKind = keyof typeof faults;
