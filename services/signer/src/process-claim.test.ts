import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { canonicalContent, publicKeyHash, type Template } from '@sluice/pki';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimBatch } from './claim.js';
import { hex } from './hex.js';
import { processClaim } from './process-claim.js';
import type { Work } from './testing/policing-ledger.js';
import { caRow, createTestSigner, profileDocument, type TestSigner } from './testing/test-signer.js';

const lane = { class: 'interactive', keyGroup: 'default' } as const;
let signer: TestSigner;

beforeEach(async () => {
  signer = await createTestSigner();
});
afterEach(() => {
  expect(signer.ledger.violations).toEqual([]);
});

/** One cycle by policy: claim, sign, complete. */
async function cycle(): Promise<void> {
  const { ended } = await processClaim(signer.context, await claimBatch(signer.context, lane, { countMax: 64 }));
  await ended;
}

function serialState(serial: Uint8Array | undefined): string | undefined {
  return signer.ledger.serials.get(hex(serial ?? new Uint8Array()))?.state;
}

function certificateOf(work: Work): X509Certificate {
  return new X509Certificate(Buffer.from(work.certificate ?? []));
}

describe('an honest batch', () => {
  it('becomes certificates under the serials of the claim, and the bell rings for them', async () => {
    const works = [signer.accept('tls'), signer.accept('documents'), signer.accept('tls')];
    await cycle();
    expect(signer.ledger.states()).toEqual({ issued: 3 });
    for (const work of works) {
      const certificate = certificateOf(work);
      const ca = signer.keyStore.keys.get(work.row.ca);
      expect(certificate.serialNumber.toLowerCase()).toBe(hex(work.serial));
      expect(certificate.verify(publicKeyOf(ca?.info.spki))).toBe(true);
      expect(certificate.subject).toBe('CN=device 7');
      expect(serialState(work.serial)).toBe('issued');
    }
    expect([...signer.rung].sort()).toEqual(works.map(({ row }) => row.requestId).sort());
  });

  it('does not make a fast key wait for a slow one', async () => {
    const fast = signer.accept('tls');
    const slow = signer.accept('documents');
    let letGo = (): void => undefined;
    const held = new Promise<undefined>((resolve) => {
      letGo = () => resolve(undefined);
    });
    signer.keyStore.onSign = (ca) => (ca === 'slow' ? held : undefined);
    const fastIsDone = new Promise<void>((resolve) => {
      signer.context.bell.ring = (ids) => ids.includes(fast.row.requestId) && resolve();
    });
    const done = cycle();
    await fastIsDone;
    expect([fast.state, slow.state]).toEqual(['issued', 'signing']);
    letGo();
    await done;
    expect(slow.state).toBe('issued');
  });
});

describe('what a compromised front end could have forged', () => {
  const cases: [string, (work: { profile: string }) => Parameters<TestSigner['accept']>[1], string][] = [
    ['an account that does not exist', () => ({ account: 'nobody' }), 'forbidden'],
    ['a purpose that is not the profile’s', () => ({ purpose: 'ocsp-signer' }), 'not-permitted'],
    ['a CA that is not the profile’s', () => ({ ca: 'slow' }), 'not-permitted'],
    ['a CA of nobody', () => ({ ca: 'elsewhere' }), 'ca-unknown'],
    ['a profile of nobody', () => ({ profile: 'else' }), 'profile-unknown'],
    [
      'a field that the profile forbids',
      () => ({ content: contentOf({ common_name: 'a', country: 'BE' }) }),
      'subject-invalid',
    ],
    ['content in another form', () => ({ content: '{"subject_dn":{},"san":{} }' }), 'body-invalid'],
    [
      'ends that the profile does not take',
      () => ({
        content: canonicalContent({
          subject_dn: { common_name: 'a' },
          san: {},
          validity: { not_after: '2026-11-21T12:00:00Z' },
        }),
      }),
      'validity-invalid',
    ],
    ['a key that cannot be read', () => ({ spki: new Uint8Array([1, 2, 3]) }), 'key-weak'],
  ];
  it.each(cases)('%s is rejected, and the key is not asked', async (_what, forge, code) => {
    const work = signer.accept('tls', forge({ profile: 'tls' }));
    await cycle();
    expect([work.state, work.code]).toEqual(['rejected', code]);
    expect(signer.ledger.asked.size).toBe(0);
    expect(serialState(work.serial)).toBe('void');
  });

  it('an account that may not use the profile, or was disabled', async () => {
    const [account] = signer.snapshot.accounts;
    if (account) account.profiles = ['documents'];
    await signer.apply();
    const withoutGrant = signer.accept('tls');
    await cycle();
    expect(withoutGrant.code).toBe('profile-unknown');
    if (account) account.state = 'disabled';
    await signer.apply();
    const ofDisabled = signer.accept('documents');
    await cycle();
    expect(ofDisabled.code).toBe('account-disabled');
  });

  it('a certificate that would outlive its CA', async () => {
    signer.addProfile(
      profileDocument('self', 'fast', {
        purpose: 'ca-certificate',
        validity_seconds: 60,
        basic_constraints: { ca: true },
        key_usage: ['keyCertSign', 'cRLSign'],
        extended_key_usage: [],
      }),
    );
    await signer.apply();
    const own = signer.accept('self', {
      purpose: 'ca-certificate',
      subjectCa: 'fast',
      account: '',
      content: contentOf({ common_name: 'fast' }),
      spki: signer.keyStore.keys.get('fast')?.info.spki ?? new Uint8Array(),
    });
    await cycle();
    const [ca] = signer.snapshot.cas;
    if (ca) ca.certificate = Buffer.from(own.certificate ?? []).toString('base64');
    await signer.apply();
    const work = signer.accept('tls');
    await cycle();
    expect([own.state, work.state, work.code]).toEqual(['issued', 'rejected', 'ca-expiring']);
  });
});

describe('what a compromised registry could have forged', () => {
  const caProfile = (name: string, ca: string, path_length: number) =>
    profileDocument(name, ca, {
      purpose: 'ca-certificate',
      basic_constraints: { ca: true, path_length },
      key_usage: ['keyCertSign', 'cRLSign'],
      extended_key_usage: [],
    });
  const order = (profile: string, subjectCa: string, spki?: Uint8Array) =>
    signer.accept(profile, {
      purpose: 'ca-certificate',
      subjectCa,
      account: '',
      content: contentOf({ common_name: subjectCa }),
      spki: spki ?? signer.keyStore.keys.get(subjectCa)?.info.spki ?? new Uint8Array(),
    });

  /** `fast` certified by itself with this path length; `sub` has a key, in another key group. */
  async function withCas(pathLength: number, below: number): Promise<void> {
    const { spki } = await signer.keyStore.generate('sub', 'ec-p256');
    signer.snapshot.cas.push({ ...caRow('sub', 'ec-p256', spki), state: 'pending', issuer: 'fast', keyGroup: 'else' });
    signer.addProfile(caProfile('self', 'fast', pathLength));
    signer.addProfile({ ...caProfile('below', 'fast', below), validity_seconds: 300 });
    await signer.apply();
    const own = order('self', 'fast');
    await cycle();
    expect(own.state).toBe('issued');
    const [ca] = signer.snapshot.cas;
    if (ca) ca.certificate = Buffer.from(own.certificate ?? []).toString('base64');
    await signer.apply();
  }

  it.each([
    [0, 0],
    [0, 5],
    [1, 1],
  ])('below a CA with path length %i, one with %i', async (pathLength, below) => {
    await withCas(pathLength, below);
    const work = order('below', 'sub');
    await cycle();
    expect([work.state, work.code, serialState(work.serial)]).toEqual(['rejected', 'not-permitted', 'void']);
    expect(work.detail).toContain('path length');
  });

  it('another key than the CA has: that is not certified, and its own is', async () => {
    await withCas(1, 0);
    const foreign = order('below', 'sub', signer.keyStore.keys.get('fast')?.info.spki);
    const ofNobody = order('below', 'nobody', signer.keyStore.keys.get('fast')?.info.spki);
    const honest = order('below', 'sub');
    await cycle();
    expect([foreign.state, foreign.code]).toEqual(['rejected', 'not-permitted']);
    expect([ofNobody.state, ofNobody.code]).toEqual(['rejected', 'not-permitted']);
    expect(honest.state).toBe('issued');
  });

  it('a key that the snapshot has not yet is waited for', async () => {
    await withCas(1, 0);
    const sub = signer.snapshot.cas.find(({ name }) => name === 'sub');
    const { spki = null } = sub ?? {};
    if (sub) sub.spki = null;
    await signer.apply();
    if (sub) sub.spki = spki;
    signer.snapshot.epoch = '2';
    const work = order('below', 'sub');
    await cycle();
    expect([work.state, signer.waitedFor]).toEqual(['issued', [2n]]);
  });
});

describe('what breaks a rule when it is read back', () => {
  type Fill = Template['fill'];
  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
  const dayMs = 86_400_000;
  const faults: [string, (fill: Fill) => Fill, string][] = [
    ['another key', (fill) => (input) => fill({ ...input, spki: otherKey }), 'key-is-the-one-asked-for'],
    [
      'a longer validity',
      (fill) => (input) => fill({ ...input, notAfter: new Date(input.notAfter.getTime() + dayMs) }),
      'validity-period-max',
    ],
    [
      'a validity that ends before it begins',
      (fill) => (input) => fill({ ...input, notAfter: new Date(input.notBefore.getTime() - dayMs) }),
      'validity-order',
    ],
    ['an octet too many', (fill) => (input) => Buffer.concat([fill(input), Uint8Array.of(0)]), 'X.690'],
  ];

  it.each(faults)('%s is rejected, and the key is not asked', async (_what, spoil, named) => {
    const works = [signer.accept('tls'), signer.accept('documents')];
    signer.plantFill('tls', spoil);
    await cycle();
    const [spoiled, neighbour] = works;
    expect([spoiled?.state, spoiled?.code, serialState(spoiled?.serial)]).toEqual(['rejected', 'lint-failed', 'void']);
    expect(spoiled?.detail).toContain(named);
    expect([neighbour?.state, signer.ledger.asked.size]).toEqual(['issued', 1]);
  });
});

describe('what the registry says', () => {
  it('the change that the claim has seen is waited for before anything is refused by an older snapshot', async () => {
    const work = signer.accept('tls', { account: 'newcomer', epoch: 2n });
    signer.snapshot.epoch = '2';
    signer.snapshot.accounts.push({ name: 'newcomer', state: 'enabled', profiles: ['tls'], apiKeyHashes: [] });
    await cycle();
    expect(signer.waitedFor).toEqual([2n]);
    expect(work.state).toBe('issued');
  });

  it('with the registry away it is queued again, not refused', async () => {
    const work = signer.accept('tls', { account: 'newcomer', epoch: 2n });
    const other = signer.accept('tls', { epoch: 2n });
    signer.registryAway = true;
    await cycle();
    expect([work.state, work.code]).toEqual(['queued', 'stale-snapshot']);
    expect(other.state).toBe('issued');
  });

  it('a blocked key is certified by no CA', async () => {
    const work = signer.accept('tls');
    signer.snapshot.blockedKeys = Buffer.from(publicKeyHash(work.row.spki), 'hex').toString('base64');
    await signer.apply();
    await cycle();
    expect([work.state, work.code, signer.ledger.asked.size]).toEqual(['rejected', 'key-blocked', 0]);
  });

  it('a key that was blocked after our snapshot is found, with the registry away too; others go on', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
    const work = signer.accept('tls', { epoch: 2n });
    const neighbour = signer.accept('tls', { epoch: 2n, spki: other });
    signer.ledger.blocked.add(publicKeyHash(work.row.spki));
    signer.registryAway = true;
    await cycle();
    expect([work.state, work.code, neighbour.state]).toEqual(['rejected', 'key-blocked', 'issued']);
  });

  it('while nobody says whether a key is blocked, it is queued again', async () => {
    const work = signer.accept('tls', { epoch: 2n });
    signer.registryAway = true;
    signer.ledger.fail('blockedKeys', 'unavailable', false);
    signer.ledger.fail('blockedKeys', 'unavailable', false);
    await cycle();
    expect([work.state, work.code, signer.ledger.asked.size]).toEqual(['queued', 'stale-snapshot', 0]);
  });

  it('a claim that was told of other template bytes is not signed', async () => {
    const work = signer.accept('tls', { templateHash: new Uint8Array(32) });
    await cycle();
    expect([work.state, work.code, signer.ledger.asked.size]).toEqual(['queued', 'conflict', 0]);
  });
});

describe('a token that does not answer', () => {
  it('opens its breaker, burns nothing, and is left alone until it answers', async () => {
    signer.keyStore.onFind = () => {
      throw new SluiceError('token-failed');
    };
    Array.from({ length: 3 }, () => signer.accept('tls'));
    for (let looks = 0; looks < 7; looks += 1) {
      signer.clock.pass(31_000);
      await cycle();
    }
    expect(signer.context.tokenBreaker.state()).toBe('open');
    expect([...signer.ledger.serials.values()].map(({ state }) => state)).toEqual(Array(21).fill('void'));
    const { finds } = signer.keyStore;
    finds.length = 0;
    signer.keyStore.onFind = () => undefined;
    await expect.poll(() => signer.context.tokenBreaker.state(), { timeout: 5000 }).toBe('closed');
    // Only the probe asked, and for no CA's key. What waited for the token waits no longer.
    expect(finds).toEqual(['sluice-probe']);
    await cycle();
    expect(signer.ledger.states()).toEqual({ issued: 3 });
  });

  it('that makes no keys is one, too', async () => {
    const { tokenBreaker, keyStore } = signer.context;
    keyStore.generate = () => Promise.reject(new SluiceError('token-failed'));
    signer.snapshot.cas.push({ ...caRow('made', 'ec-p256', null), state: 'pending' });
    await signer.apply();
    signer.accept('tls', { purpose: 'generate', ca: 'made', subjectCa: 'made', profile: '', spki: new Uint8Array() });
    for (let tries = 0; tries < 3; tries += 1) {
      signer.clock.pass(31_000);
      await cycle();
    }
    expect(tokenBreaker.state()).toBe('open');
  });
});

describe('a key that fails', () => {
  it('burns the serial that was asked for, queues the rest again, and costs no other CA anything', async () => {
    const works = Array.from({ length: 20 }, () => signer.accept('documents'));
    const other = signer.accept('tls');
    signer.keyStore.onSign = (ca) => {
      if (ca === 'slow') throw new SluiceError('token-failed');
      return undefined;
    };
    await cycle();
    expect(other.state).toBe('issued');
    expect(signer.ledger.states()).toEqual({ queued: 20, issued: 1 });
    const burned = works.filter(({ serial }) => serialState(serial) === 'burned');
    expect(burned.length).toBeGreaterThan(0);
    expect(burned.length).toBeLessThanOrEqual(4);
    expect(burned.every(({ code }) => code === 'token-failed')).toBe(true);
  });

  it('is left alone for a while, and then tried with one row', async () => {
    Array.from({ length: 10 }, () => signer.accept('documents'));
    signer.keyStore.onSign = (ca) => {
      if (ca === 'slow') throw new SluiceError('token-failed');
      return undefined;
    };
    await cycle();
    const askedAtFirst = signer.ledger.asked.size;
    await cycle();
    expect(signer.ledger.asked.size).toBe(askedAtFirst);
    signer.clock.pass(31_000);
    await cycle();
    expect(signer.ledger.asked.size).toBe(askedAtFirst + 1);
    signer.clock.pass(31_000);
    signer.keyStore.onSign = () => undefined;
    // As many cycles as it takes: a batch is what the keys of this machine sign in its time.
    await expect.poll(() => cycle().then(() => signer.ledger.states())).toEqual({ issued: 10 });
    expect(signer.context.tokenBreaker.state()).toBe('closed');
  });

  it('that was swapped for another one is not asked', async () => {
    const work = signer.accept('tls');
    signer.keyStore.keys.delete('fast');
    await signer.keyStore.generate('fast', 'ec-p256');
    await cycle();
    expect([work.state, work.code, signer.ledger.asked.size]).toEqual(['queued', 'key-missing', 0]);
  });

  it('that answers wrongly hands out nothing', async () => {
    const work = signer.accept('tls');
    signer.keyStore.onSign = () => new Uint8Array(70);
    await cycle();
    expect([work.state, work.code, serialState(work.serial)]).toEqual(['queued', 'signature-wrong', 'burned']);
  });

  it('that hangs is given up within the lease', async () => {
    signer = await createTestSigner(800);
    const work = signer.accept('tls');
    signer.keyStore.onSign = () => new Promise(() => undefined);
    await cycle();
    expect([work.state, work.code, serialState(work.serial)]).toEqual(['queued', 'token-failed', 'burned']);
  });
});

describe('a signature that does not come', () => {
  it('keeps neither its place nor its slot, costs the other rows of its CA no serial, and counts when it comes', async () => {
    signer = await createTestSigner(5000);
    const { context, ledger, keyStore } = signer;
    const works = Array.from({ length: 20 }, () => signer.accept('documents'));
    const other = signer.accept('tls');
    let letGo = (): void => undefined;
    const held = new Promise<undefined>((resolve) => {
      letGo = () => resolve(undefined);
    });
    keyStore.onSign = (ca) => (ca === 'slow' ? held : undefined);
    const { ended } = await processClaim(context, await claimBatch(context, lane, { countMax: 64 }));
    expect([other.state, ledger.states()]).toEqual(['issued', { issued: 1, signing: 4, queued: 16 }]);
    const back = works.filter(({ state }) => state === 'queued');
    expect(back.every(({ code, serial }) => code === 'token-failed' && serialState(serial) === 'void')).toBe(true);
    expect(context.backOff.waitingCas()).toEqual(['slow']);
    expect(await context.gate.enter('background', 'flow', new AbortController().signal)).toBeTypeOf('function');
    letGo();
    await ended;
    expect(ledger.states()).toEqual({ issued: 5, queued: 16 });
    expect([context.backOff.waitingCas(), context.tokenBreaker.state()]).toEqual([[], 'closed']);
  });

  it('is one row in hand, and not its whole claim', async () => {
    const { context, keyStore } = signer;
    for (let row = 0; row < 8; row += 1) signer.accept('tls');
    let letGo = (): void => undefined;
    const held = new Promise<undefined>((resolve) => {
      letGo = () => resolve(undefined);
    });
    let asked = 0;
    keyStore.onSign = () => (asked++ === 0 ? held : undefined);
    let inHand = 0;
    const { begin, end } = context.capacity;
    context.capacity.begin = (rows = 1) => {
      inHand += rows;
      begin.call(context.capacity, rows);
    };
    context.capacity.end = (rows = 1) => {
      inHand -= rows;
      end.call(context.capacity, rows);
    };
    const { ended } = await processClaim(context, await claimBatch(context, lane, { countMax: 64 }));
    expect(inHand).toBe(1);
    letGo();
    await ended;
    expect(inHand).toBe(0);
  });

  it('keeps no certificate of its claim that is there already', async () => {
    const { context, ledger, keyStore } = signer;
    const [first, second] = [signer.accept('tls'), signer.accept('tls')];
    let letGo = (): void => undefined;
    const held = new Promise<undefined>((resolve) => {
      letGo = () => resolve(undefined);
    });
    let asked = 0;
    keyStore.onSign = () => (asked++ === 0 ? undefined : held);
    const processed = processClaim(context, await claimBatch(context, lane, { countMax: 64 }));
    await expect.poll(() => ledger.states()).toEqual({ issued: 1, signing: 1 });
    letGo();
    await (await processed).ended;
    expect([first.state, second.state]).toEqual(['issued', 'issued']);
  });

  it('of a token so slow that hardly another row would share its commit, is complete at once', async () => {
    const { context, ledger, keyStore } = signer;
    context.gate.rowsPerSecond = () => 90;
    signer.accept('tls');
    signer.accept('tls');
    let letGo = (): void => undefined;
    const held = new Promise<undefined>((resolve) => {
      letGo = () => resolve(undefined);
    });
    let asked = 0;
    let atOnce = false;
    keyStore.onSign = () => (asked++ === 0 ? undefined : held);
    ledger.onCall = (verb) => {
      atOnce ||= verb === 'complete';
      return undefined;
    };
    const audited: unknown[] = [];
    Object.assign(context, { audit: { info: (facts: object) => audited.push(facts) } });
    const processed = processClaim(context, await claimBatch(context, lane, { countMax: 64 }));
    for (let turn = 0; turn < 20 && !atOnce; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(atOnce).toBe(true);
    letGo();
    await (await processed).ended;
    expect(ledger.states()).toEqual({ issued: 2 });
    // Nothing is written down of the rest of a claim that has no rest.
    expect(audited).toMatchObject([
      { event: 'signing' },
      { signed: [expect.any(String)] },
      { signed: [expect.any(String)] },
    ]);
  });

  it('and never comes is given up before the lease ends', async () => {
    signer = await createTestSigner(1000);
    const work = signer.accept('tls');
    signer.keyStore.onSign = () => new Promise(() => undefined);
    const { ended } = await processClaim(signer.context, await claimBatch(signer.context, lane, { countMax: 64 }));
    expect(work.state).toBe('signing');
    await ended;
    expect([work.state, work.code, serialState(work.serial)]).toEqual(['queued', 'token-failed', 'burned']);
  });
});

describe('the signing gate', () => {
  async function takeAllPlaces(): Promise<void> {
    const { gate } = signer.context;
    for (let place = 0; place < gate.places; place += 1)
      await gate.enter('urgent', 'flow', new AbortController().signal);
  }

  it('gives rows back that waited there too long: their key was not asked', async () => {
    signer = await createTestSigner(1000);
    await takeAllPlaces();
    const works = Array.from({ length: 6 }, () => signer.accept('tls'));
    await cycle();
    expect(works.map(({ state, code }) => [state, code])).toEqual(works.map(() => ['queued', 'lease-lost']));
    expect(works.every(({ serial }) => serialState(serial) === 'void')).toBe(true);
  });

  it('is left by all rows of a claim when one of them fails, whatever their flows', async () => {
    const { context, keyStore } = signer;
    const names = Array.from({ length: 20 }, (_, index) => `account-${index}`);
    for (const name of names)
      signer.snapshot.accounts.push({ name, state: 'enabled', profiles: ['tls'], apiKeyHashes: [] });
    await signer.apply();
    const works = names.map((account) => signer.accept('tls', { account }));
    keyStore.onSign = () => Promise.reject(new SluiceError('token-failed', 'broken'));
    let placesGot = 0;
    const { enter } = context.gate;
    context.gate.enter = async (...asked) => {
      const leave = await enter.apply(context.gate, asked);
      if (leave) placesGot += 1;
      return leave;
    };
    await cycle();
    expect(works.every(({ state }) => state === 'queued')).toBe(true);
    expect(placesGot).toBe(context.gate.places);
  });

  it('is passed by the one row with which a CA is tried that failed before', async () => {
    const work = signer.accept('documents');
    signer.context.backOff.failed('slow', 'token-failed');
    signer.clock.pass(31_000);
    await takeAllPlaces();
    await cycle();
    expect(work.state).toBe('issued');
  });
});

describe('a key store that never answers', () => {
  const never = <T>() => new Promise<T>(() => undefined);

  it('whether it has a key: nothing is burned, its slot is free, and no other CA waits', async () => {
    signer = await createTestSigner(400);
    const work = signer.accept('documents');
    const other = signer.accept('tls');
    const { keyStore } = signer;
    const find = keyStore.find.bind(keyStore);
    keyStore.find = (label) => (label === 'slow' ? never() : find(label));
    await cycle();
    expect([work.state, work.code, serialState(work.serial)]).toEqual(['queued', 'token-failed', 'void']);
    expect(other.state).toBe('issued');
    expect(signer.context.backOff.doubtful('slow')).toBe(true);
  });

  it('with a new key: the work goes back within the lease', async () => {
    signer = await createTestSigner(400);
    signer.snapshot.cas.push({ ...caRow('root', 'ec-p256', null), state: 'pending' });
    await signer.apply();
    const work = signer.accept('tls', { purpose: 'generate', ca: 'root', subjectCa: 'root', profile: '', account: '' });
    signer.keyStore.generate = never;
    await cycle();
    expect([work.state, work.code]).toEqual(['queued', 'token-failed']);
  });
});

describe('the lease', () => {
  it('is not used up: what is not begun in time is queued again', async () => {
    const works = Array.from({ length: 12 }, () => signer.accept('tls'));
    let signatures = 0;
    signer.keyStore.onSign = () => {
      signatures += 1;
      if (signatures === 5) signer.clock.pass(8500);
      return undefined;
    };
    await cycle();
    const notBegun = works.filter(({ state }) => state === 'queued');
    expect(notBegun.length).toBeGreaterThanOrEqual(12 - 8);
    expect(notBegun.every(({ code, serial }) => code === 'lease-lost' && serialState(serial) === 'void')).toBe(true);
    expect(signer.ledger.states().issued).toBe(12 - notBegun.length);
  });

  it('is counted from before the claim was sent', async () => {
    const work = signer.accept('tls');
    signer.ledger.onCall = (verb) => (verb === 'claim' ? signer.clock.pass(8500) : undefined);
    await cycle();
    expect([work.state, work.code]).toEqual(['queued', 'lease-lost']);
  });

  it('that was lost meanwhile makes the certificate late: it is not rung for', async () => {
    const work = signer.accept('tls');
    signer.ledger.onCall = (verb) => (verb === 'complete' ? signer.ledger.loseLease(work) : undefined);
    await cycle();
    expect([work.state, serialState(work.serial), signer.rung]).toEqual(['queued', 'burned', []]);
  });
});

describe('a ledger that does not answer', () => {
  it.each([true, false])('a claim is asked for under its id (stored: %s)', async (stored) => {
    const work = signer.accept('tls');
    signer.ledger.fail('claim', 'outcome-unknown', stored);
    signer.ledger.fail('claimAgain', 'unavailable', false);
    await cycle();
    expect(work.state).toBe(stored ? 'issued' : 'queued');
    expect(signer.ledger.claims.length).toBe(stored ? 1 : 0);
  });

  it.each([true, false])('a complete is repeated as it was (stored: %s)', async (stored) => {
    const work = signer.accept('tls');
    signer.ledger.fail('complete', 'outcome-unknown', stored);
    signer.ledger.fail('complete', 'fenced', false);
    await cycle();
    expect(work.state).toBe('issued');
    expect(signer.rung).toEqual([work.row.requestId]);
  });

  it('for the whole lease: the row is left to the sweep, and nothing is signed again', async () => {
    const work = signer.accept('tls');
    for (let count = 0; count < 100; count += 1) signer.ledger.fail('complete', 'unavailable', false);
    await cycle();
    expect([work.state, signer.ledger.asked.size]).toEqual(['signing', 1]);
    expect(signer.rung).toEqual([]);
  });

  it('gives a serial that nobody offered: it is never signed', async () => {
    const work = signer.accept('tls');
    const { claim } = signer.ledger;
    signer.ledger.claim = async (options) => {
      const answer = await claim.call(signer.ledger, options);
      return { ...answer, claimed: answer.claimed.map((row) => ({ ...row, serial: new Uint8Array(16).fill(0x41) })) };
    };
    await cycle();
    expect([work.state, signer.ledger.asked.size]).toEqual(['signing', 0]);
  });
});

describe('a stop', () => {
  it('releases what the key was not asked for', async () => {
    const work = signer.accept('tls');
    signer.stopping = true;
    await cycle();
    expect([work.state, work.code, serialState(work.serial)]).toEqual(['queued', 'draining', 'void']);
  });
});

describe('key work', () => {
  it('makes the key of a pending CA that the snapshot did not know yet, and again gives the same one', async () => {
    const work = signer.accept('tls', { purpose: 'generate', ca: 'root', subjectCa: 'root', profile: '', account: '' });
    signer.snapshot.cas.push({ ...caRow('root', 'ec-p256', null), state: 'pending' });
    signer.ledger.fail('completeGenerate', 'outcome-unknown', false);
    await cycle();
    expect(work.state).toBe('issued');
    expect(hex(work.certificate ?? new Uint8Array())).toBe(
      hex(signer.keyStore.keys.get('root')?.info.spki ?? new Uint8Array()),
    );
    expect(signer.waitedFor).toEqual([work.row.epoch]);
  });

  it('does not touch the key of a CA that is made already', async () => {
    const work = signer.accept('tls', { purpose: 'generate', ca: 'fast', subjectCa: 'fast', profile: '', account: '' });
    await cycle();
    expect([work.state, work.code]).toEqual(['rejected', 'not-permitted']);
  });

  it('signs the certificate of a root by itself, while it is pending', async () => {
    const { spki } = await signer.keyStore.generate('root', 'ec-p256');
    signer.snapshot.cas.push({ ...caRow('root', 'ec-p256', spki), state: 'pending' });
    signer.addProfile(
      profileDocument('root', 'root', {
        purpose: 'ca-certificate',
        basic_constraints: { ca: true },
        key_usage: ['keyCertSign', 'cRLSign'],
        extended_key_usage: [],
      }),
    );
    await signer.apply();
    const content = contentOf({ common_name: 'root' });
    const work = signer.accept('root', { purpose: 'ca-certificate', subjectCa: 'root', account: '', content, spki });
    await cycle();
    expect(work.state).toBe('issued');
    const certificate = certificateOf(work);
    expect(certificate.ca).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(signer.ledger.calls.some(({ verb }) => verb === 'completeCaCertificate')).toBe(true);
  });
});

function contentOf(subject: Parameters<typeof canonicalContent>[0]['subject_dn']): string {
  return canonicalContent({ subject_dn: subject, san: {} });
}

function publicKeyOf(spki: Uint8Array | undefined): KeyObject {
  return createPublicKey({ key: Buffer.from(spki ?? []), format: 'der', type: 'spki' });
}
