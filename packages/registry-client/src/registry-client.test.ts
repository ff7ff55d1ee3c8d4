import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '@sluice/errors';
import { frameLine, type Snapshot } from '@sluice/registry-protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from './registry-client.js';
import { FakeRegistry } from './testing/fake-registry.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
/** Instead of 5 s; what is found within two of them is found within 10 s. */
const heartbeatMs = 100;

let folder: string;
let registry: FakeRegistry;
let clients: RegistryClient[];
let prepared: string[];
let inForce: Snapshot | undefined;
let damaged: boolean;
let events: string[];
let incarnation: bigint;
let renewals: number;
const note = (facts: object): void => void events.push(String('event' in facts ? facts.event : ''));
const log = { info: note, warn: note, error: note };
const eventually = { timeout: 8000 };

function make(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = createRegistryClient({
    registryUrl: registry.url,
    serviceName: 'signer-1',
    privateKeyPem,
    snapshotFile: join(folder, 'snapshot.json'),
    lease: {
      caller: () => ({ name: 'signer-1', incarnation }),
      renewNow: async () => {
        renewals += 1;
        registry.mode = 'answers';
      },
    },
    log,
    clock: () => new Date(),
    random: () => 0,
    prepare(snapshot) {
      prepared.push(snapshot.epoch);
      // Nobody has sent any other: a damaged state is not even made ready.
      damaged ||= snapshot.accounts.some(({ name }) => name !== 'acme');
      return () => {
        inForce = snapshot;
      };
    },
    earlierEnded: async () => undefined,
    silentAfterMs: 2000,
    firstSnapshotMs: 10_000,
    ...options,
  });
  clients.push(client);
  return client;
}

async function start(options: Partial<RegistryClientOptions> = {}): Promise<RegistryClient> {
  const client = make(options);
  await client.fromDisk.start();
  await client.stream.start();
  return client;
}

const mayUse = (): readonly string[] | undefined => inForce?.accounts[0]?.profiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-client-'));
  registry = new FakeRegistry(publicKey, heartbeatMs);
  [clients, prepared, events, inForce] = [[], [], [], undefined];
  [incarnation, renewals, damaged] = [1n, 0, false];
  await registry.start();
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.stream.stop(1000)));
  await registry.stop();
  await rm(folder, { recursive: true });
});

describe('push', () => {
  it('applies the first state before its start resolves, keeps it on disk for its owner alone, and acknowledges it', async () => {
    const client = make();
    await client.fromDisk.start();
    expect(client.current()).toBeUndefined();
    await client.stream.start();
    expect(client.current()).toEqual({ snapshot: registry.state, stale: false });
    const path = join(folder, 'snapshot.json');
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      history: registry.history,
      state: registry.state,
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect.poll(() => registry.acknowledged, eventually).toContain(1n);
  });

  it('applies each change once, acknowledges it, and each heartbeat too', async () => {
    const client = await start();
    registry.change(['tls', 'mail']);
    await client.applied(2n, 5000);
    registry.change(['mail']);
    await client.applied(3n, 5000);
    expect([prepared, mayUse()]).toEqual([['1', '2', '3'], ['mail']]);
    await expect
      .poll(() => registry.acknowledged.filter((epoch) => epoch === 3n).length, eventually)
      .toBeGreaterThan(2);
    expect([registry.disbelieved, registry.asked]).toEqual([0, [{ epoch: null }]]);
  });

  it('changes that come together are applied once: the last is not kept waiting by those before it', async () => {
    const client = await start();
    const { tell } = registry;
    const lines: string[] = [];
    registry.tell = (line) => void lines.push(line);
    for (let count = 0; count < 50; count++) registry.change([`tls-${count}`]);
    registry.change(['mail']);
    registry.tell = tell;
    registry.tell(lines.join(''));
    await client.applied(52n, 8000);
    await expect.poll(() => registry.acknowledged, eventually).toContain(52n);
    expect([prepared, mayUse(), registry.asked.length]).toEqual([['1', '52'], ['mail'], 1]);
  });

  it('what came before a damaged line is applied before all is asked for', async () => {
    await start();
    const { tell } = registry;
    registry.tell = (line) => tell.call(registry, `${line}{"type":\n`);
    registry.change(['mail']);
    registry.tell = tell;
    await expect.poll(() => registry.asked.length, eventually).toBe(2);
    expect(mayUse()).toEqual(['mail']);
  });

  it('acknowledges only when what began under the older state has ended; in force it is at once', async () => {
    let end = (): void => undefined;
    let waited = 0;
    const client = await start({
      earlierEnded: () => {
        waited += 1;
        return waited === 1
          ? Promise.resolve()
          : new Promise((resolve) => {
              end = resolve;
            });
      },
    });
    registry.change(['mail']);
    await client.applied(2n, 5000);
    expect(mayUse()).toEqual(['mail']);
    const heard = registry.acknowledged.length;
    // Heartbeats go on saying the older one meanwhile.
    await expect.poll(() => registry.acknowledged.length - heard, eventually).toBeGreaterThan(1);
    expect(registry.acknowledged).not.toContain(2n);
    end();
    await expect.poll(() => registry.acknowledged, eventually).toContain(2n);
  });

  it('what only completes a state may fail: it is in force, on disk, acknowledged, and whoever waits is told', async () => {
    const client = await start({
      prepare: (snapshot) => async () => {
        inForce = snapshot;
        if (snapshot.epoch === '2') throw new SluiceError('unavailable', 'the ledger is away');
      },
    });
    const waiting = client.applied(2n, 8000);
    registry.change(['mail']);
    await waiting;
    await expect.poll(() => registry.acknowledged, eventually).toContain(2n);
    expect([registry.refused, mayUse()]).toEqual([[], ['mail']]);
    expect(JSON.parse(await readFile(join(folder, 'snapshot.json'), 'utf8'))).toMatchObject({ state: registry.state });
  });

  it('whoever waits for an epoch is told in time when it does not come', async () => {
    const client = await start();
    await expect(client.applied(2n, 20)).rejects.toMatchObject({ code: 'unavailable' });
    await client.applied(1n, 0);
  });
});

describe('faults of the push are found and healed', () => {
  it.each<[string, () => void]>([
    ['a change that does not come', () => registry.change(['mail'], { quietly: true })],
    [
      'a change that is missing',
      () => {
        registry.change(['x'], { quietly: true });
        registry.change(['mail']);
      },
    ],
    [
      'two changes in the wrong order',
      () => {
        const { tell } = registry;
        const late: string[] = [];
        registry.tell = (line) => void late.push(line);
        registry.change(['x']);
        registry.change(['mail']);
        registry.tell = tell;
        for (const line of late.toReversed()) registry.tell(line);
      },
    ],
    [
      'one octet changed',
      () => {
        registry.damage = (line) => line.replace('"acme"', '"acmf"');
        registry.change(['mail']);
        registry.damage = (line) => line;
      },
    ],
    [
      'a line that is no JSON any more',
      () => {
        registry.damage = (line) => line.replace('{', '(');
        registry.change(['mail']);
        registry.damage = (line) => line;
      },
    ],
    [
      'octets that are no UTF-8',
      () => {
        registry.tell(Buffer.from([0xff, 0xfe, 0x0a]) as unknown as string);
        registry.change(['mail'], { quietly: true });
      },
    ],
    [
      'cut in the middle of a line',
      () => {
        registry.damage = (line) => line.slice(0, 40);
        registry.change(['mail']);
        registry.damage = (line) => line;
        registry.cut();
      },
    ],
  ])('%s', async (_, fault) => {
    const client = await start();
    fault();
    await expect.poll(mayUse, eventually).toEqual(['mail']);
    await expect.poll(() => registry.acknowledged.at(-1), eventually).toBe(BigInt(registry.state.epoch));
    expect(client.current()).toMatchObject({ stale: false, snapshot: { epoch: registry.state.epoch } });
    expect(damaged).toBe(false);
  });

  it('a registry that is there, but cannot say whether something was missed, keeps its streams; ours grows stale', async () => {
    const client = await start({ silentAfterMs: 500, staleAfterMs: 1000 });
    registry.damage = () => '\n';
    await expect.poll(() => client.current()?.stale, eventually).toBe(true);
    registry.damage = (line) => line;
    await expect.poll(() => client.current()?.stale, eventually).toBe(false);
    expect(registry.asked).toHaveLength(1);
  });

  it('doubled frames are applied once', async () => {
    const client = await start();
    registry.damage = (line) => line + line;
    registry.change(['mail']);
    await client.applied(2n, 5000);
    await expect.poll(() => registry.acknowledged, eventually).toContain(2n);
    expect([prepared, registry.asked.length]).toEqual([['1', '2'], 1]);
  });

  it('one bit flipped in what is held: a heartbeat finds it, the twelfth at the latest', async () => {
    const client = await start();
    const [held] = client.current()?.snapshot.accounts ?? [];
    if (held) held.name = 'acmf';
    await expect.poll(() => client.current()?.snapshot.accounts[0]?.name, eventually).toBe('acme');
    expect(registry.asked).toEqual([{ epoch: null }, { epoch: null }]);
    expect(events).toContain('push-failed');
  });

  it('a digest that stays wrong is told at growing intervals, and once when it is right again', async () => {
    let nowMs = 0;
    await start({ monotonicMs: () => nowMs });
    const told = (event: string): number => events.filter((said) => said === event).length;
    const asked = (): number => registry.asked.length;
    registry.damage = (line) => line.replace(/"digest":"..../, '"digest":"AAAA');
    await expect.poll(asked, eventually).toBe(4);
    expect(told('push-failed')).toBe(1);
    nowMs = 10_000;
    await expect.poll(() => told('push-failed'), eventually).toBe(2);
    const before = asked();
    await expect.poll(asked, eventually).toBe(before + 2);
    expect([told('push-failed'), told('push-again'), mayUse()]).toEqual([2, 0, ['tls']]);
    registry.damage = (line) => line;
    const heard = registry.acknowledged.length;
    await expect.poll(() => registry.acknowledged.length - heard, eventually).toBeGreaterThan(2);
    expect([told('push-failed'), told('push-again')]).toEqual([2, 1]);
  });

  it('an acknowledgement that is not believed: another stream, from where it is', async () => {
    await start();
    registry.disbelieves = true;
    await expect.poll(() => registry.asked.length, eventually).toBeGreaterThan(1);
    registry.disbelieves = false;
    expect(registry.asked[1]).toEqual({ epoch: '1' });
    const heard = registry.acknowledged.length;
    await expect.poll(() => registry.acknowledged.length, eventually).toBeGreaterThan(heard);
  });

  it('fenced: enrols anew, and the next stream is of the new incarnation', async () => {
    await start();
    registry.mode = 'fenced';
    registry.cut();
    await expect.poll(() => [renewals, registry.asked.length], eventually).toEqual([1, 2]);
  });
});

describe('the registry away', () => {
  it('starts from disk, marked stale, and loses the mark when it is back', async () => {
    await start();
    registry.mode = 'away';
    registry.cut();
    inForce = undefined;
    const second = make();
    await second.fromDisk.start();
    expect(mayUse()).toEqual(['tls']);
    await second.stream.start();
    expect(second.current()).toEqual({ snapshot: registry.state, stale: true });
    expect(events.filter((event) => event === 'registry-away')).toHaveLength(2);
    registry.mode = 'answers';
    await expect.poll(() => second.current()?.stale, eventually).toBe(false);
  });

  it('calls its state stale when nothing has said for 15 s that it is the newest', async () => {
    let nowMs = 0;
    const client = await start({ monotonicMs: () => nowMs, silentAfterMs: 60_000 });
    registry.mode = 'silent';
    nowMs = 15_000;
    expect(client.current()?.stale).toBe(false);
    nowMs = 15_001;
    expect(client.current()?.stale).toBe(true);
    registry.mode = 'answers';
    await expect.poll(() => client.current()?.stale, eventually).toBe(false);
  });

  it('what was heard long before it was applied says nothing about now', async () => {
    let aheadMs = 0;
    const client = await start({
      monotonicMs: () => performance.now() + aheadMs,
      prepare: (snapshot) => {
        if (snapshot.epoch === '2') aheadMs = 16_000;
        return () => undefined;
      },
    });
    registry.change(['mail']);
    registry.damage = () => '\n';
    await expect.poll(() => registry.acknowledged, eventually).toContain(2n);
    expect(client.current()).toMatchObject({ stale: true, snapshot: { epoch: '2' } });
    registry.damage = (line) => line;
    await expect.poll(() => client.current()?.stale, eventually).toBe(false);
  });

  it.each(['silent', 'hangs'] as const)('a registry that %s is given up for another stream', async (mode) => {
    await start({ silentAfterMs: 3 * heartbeatMs });
    const { asked } = registry;
    registry.mode = mode;
    if (mode === 'hangs') registry.cut();
    await expect.poll(() => events, eventually).toContain('registry-away');
    registry.mode = 'answers';
    registry.change(['mail'], { quietly: true });
    await expect.poll(mayUse, eventually).toEqual(['mail']);
    expect(asked.at(-1)).toEqual({ epoch: '1' });
  });

  it('does not start without any state', async () => {
    registry.mode = 'away';
    await expect(start({ firstSnapshotMs: 50 })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('waits at its start for a registry that comes late', async () => {
    registry.mode = 'away';
    const client = make();
    const starting = client.stream.start();
    await expect.poll(() => events, eventually).toContain('registry-away');
    registry.mode = 'answers';
    await starting;
    expect(client.appliedEpoch()).toBe(1n);
  });
});

describe('what is not applied', () => {
  it('an epoch that was rolled back, also after a start from disk: an alarm, told to the registry, and ours stays', async () => {
    for (const profiles of [['a'], ['b'], ['c']]) registry.change(profiles);
    await (await start()).stream.stop(1000);
    registry.state = { ...registry.state, epoch: '3' };
    const [{ length: streams }, { length: told }] = [registry.asked, registry.acknowledged];
    const client = await start();
    // With each heartbeat, and all on one stream: it says nothing there that the registry could not believe.
    await expect.poll(() => registry.refused.length, eventually).toBeGreaterThan(3);
    expect(registry.refused.at(-1)).toMatchObject({ epoch: '3', code: 'epoch-rolled-back' });
    expect([registry.asked.length - streams, registry.disbelieved, registry.acknowledged.length - told]).toEqual([
      1, 0, 0,
    ]);
    expect([client.appliedEpoch(), mayUse(), client.current()?.stale]).toEqual([4n, ['c'], true]);
    expect(events.filter((event) => event === 'epoch-rolled-back')).toHaveLength(1);
    registry.state = { ...registry.state, epoch: '4' };
    await expect.poll(() => registry.acknowledged.length - told, eventually).toBeGreaterThan(1);
    // It is another than was refused: whether it is the one we know is seen at its next greeting.
    expect(registry.asked.length - streams).toBe(2);
    expect(client.refusing()).toBe(false);
  });

  const acme = (profile: string): Snapshot['accounts'] => [
    { name: 'acme', state: 'enabled', profiles: [profile], apiKeyHashes: [] },
  ];
  /** Put back to an older state, it went on by itself. */
  const forkTo = (epoch: string): void => {
    registry.sealed.set('4', Buffer.alloc(32).toString('base64url'));
    registry.state = { ...registry.state, epoch, accounts: acme('fork') };
  };
  const others: [string, () => void][] = [
    ['an older state that has reached the same epoch', () => forkTo('4')],
    ['an older state that has gone further', () => forkTo('6')],
    [
      'another registry',
      () => {
        registry.history = randomUUID();
        registry.state = { ...registry.state, epoch: '7' };
      },
    ],
  ];
  it.each(others)('%s: an alarm, told to the registry, and ours stays', async (_, replace) => {
    for (const profiles of [['a'], ['b'], ['c']]) registry.change(profiles);
    const client = await start();
    await client.applied(4n, 8000);
    replace();
    registry.cut();
    await expect.poll(() => registry.refused.length, eventually).toBeGreaterThan(2);
    expect(registry.refused.at(-1)).toMatchObject({ epoch: registry.state.epoch, code: 'epoch-rolled-back' });
    expect([client.appliedEpoch(), mayUse(), client.refusing(), registry.disbelieved]).toEqual([4n, ['c'], true, 0]);
    expect(events.filter((event) => event === 'epoch-rolled-back')).toHaveLength(1);
    // Nor after a start from disk, and never as if the registry were away.
    await client.stream.stop(1000);
    const later = await start();
    expect([later.appliedEpoch(), later.refusing()]).toEqual([4n, true]);
  });

  it('a heartbeat of an older state that has reached the same epoch, on an open stream: the same', async () => {
    for (const profiles of [['a'], ['b'], ['c']]) registry.change(profiles);
    const client = await start();
    await client.applied(4n, 8000);
    forkTo('4');
    await expect.poll(() => registry.refused.length, eventually).toBeGreaterThan(2);
    expect([client.appliedEpoch(), mayUse(), client.refusing()]).toEqual([4n, ['c'], true]);
  });

  it('a restore that operators admitted past what is held: its state is applied, and nothing else is refused', async () => {
    for (const profiles of [['a'], ['b'], ['c']]) registry.change(profiles);
    const client = await start();
    await client.applied(4n, 8000);
    forkTo('6');
    registry.cut();
    await expect.poll(client.refusing, eventually).toBe(true);
    // As far as the epoch that is held, and no further: not past it.
    [registry.restored, registry.state] = ['4', { ...registry.state, epoch: '7' }];
    const [{ length: told }] = [registry.refused];
    await expect.poll(() => registry.refused.length - told, eventually).toBeGreaterThan(2);
    expect(client.appliedEpoch()).toBe(4n);
    [registry.restored, registry.state] = ['8', { ...registry.state, epoch: '8' }];
    await client.applied(8n, 8000);
    expect([mayUse(), registry.disbelieved]).toEqual([['fork'], 0]);
    await expect.poll(client.refusing, eventually).toBe(false);
    await expect.poll(() => registry.acknowledged, eventually).toContain(8n);
  });

  it('what cannot be made ready: refused with the reason, the older one stays, and it is tried again', async () => {
    let broken = false;
    const client = await start({
      prepare(snapshot) {
        if (broken) throw new SluiceError('lint-failed', 'no template for it');
        return () => {
          inForce = snapshot;
        };
      },
    });
    broken = true;
    registry.change(['mail']);
    const told = { epoch: '2', code: 'lint-failed', reason: 'no template for it' };
    await expect.poll(() => registry.refused.length, eventually).toBeGreaterThan(1);
    expect(registry.refused[0]).toEqual(told);
    expect([client.appliedEpoch(), mayUse()]).toEqual([1n, ['tls']]);
    expect(registry.acknowledged).not.toContain(2n);
    broken = false;
    await client.applied(2n, 8000);
    expect(mayUse()).toEqual(['mail']);
  });

  it('all of it, asked for because of doubts, with a wrong digest: the registry is told, and asked again', async () => {
    const client = await start();
    registry.damage = (line) => line.replace('"acme"', '"acmf"');
    registry.change(['mail']);
    await expect
      .poll(() => registry.refused, eventually)
      .toContainEqual({ epoch: '2', code: 'conflict', reason: 'the digest is of another state' });
    expect([client.appliedEpoch(), mayUse(), damaged]).toEqual([1n, ['tls'], false]);
    registry.damage = (line) => line;
    await client.applied(2n, 8000);
  });

  it('what has no digest: refused, not asked for as if the registry were away', async () => {
    await start();
    const profile = { name: 'p', ca: 'c', state: 'enabled', revision: 1, document: { half: 0.5 } } as const;
    const changed = { cas: [], profiles: [profile], accounts: [], blockedKeys: '' };
    registry.tell(frameLine({ type: 'change', from: '1', epoch: '2', digest: 'A'.repeat(43), changed }));
    await expect.poll(() => registry.refused, eventually).toMatchObject([{ epoch: '2', code: 'internal' }]);
    expect(events).not.toContain('registry-away');
  });

  it('a damaged file: the registry is asked', async () => {
    await writeFile(join(folder, 'snapshot.json'), '{"epoch":"5","ca');
    const client = await start();
    expect(events).toContain('snapshot-file-unusable');
    expect(client.appliedEpoch()).toBe(1n);
  });

  it('nothing is had with a key that is not registered', async () => {
    const other = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await expect(start({ privateKeyPem: other, firstSnapshotMs: 500 })).rejects.toMatchObject({ code: 'unavailable' });
    expect(registry.asked).toEqual([]);
    expect(() => make({ privateKeyPem: 'nonsense' })).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });
});
