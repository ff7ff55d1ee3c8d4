import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, makeCsr, type RecordingClient, type System, testProfiles } from '@sluice/testkit';

/** Clients that go on asking, as good clients do: what they were not told for certain they ask again, with the same key. */
export interface Load {
  readonly client: RecordingClient;
  /**
   * So many more orders, now, also while it pauses; they go on with nobody waiting for them. Resolves when all of them
   * have their answer.
   */
  orderAsync(count: number): Promise<unknown>;
  /** No new orders until `resume`; those begun go on. */
  pause(): void;
  resume(): void;
  /** No new orders; resolves when every order that was begun has been answered for certain, or its client gave up. */
  stop(): Promise<void>;
  /** Asks once more about whatever ended otherwise than with a certificate: what was said must still be true. */
  readBack(): Promise<void>;
}

/** An order that one of this many is for the RSA CA. */
const rsaShare = 8;
/** Of so many orders one has no key; one is told at once that it goes on, and one waits, while a shorter wait joins each. */
const otherShare = 19;
/** Certainly answered: issued, accepted for later, or refused for good. */
const uncertain = new Set<Answer['fate']>(['unknown', undefined]);

export interface LoadOptions {
  readonly inFlight: number;
  /** After `stop` a client that is still told nothing certain goes on asking for so long. */
  readonly patienceMs?: number;
}

/** Keeps `inFlight` orders in flight over all front ends. */
export function startLoad(system: System, options: LoadOptions): Load {
  const { inFlight, patienceMs = 10_000 } = options;
  const client = system.client();
  let stoppedAt: number | undefined;
  let begun = 0;
  let mayBegin = Promise.resolve();
  let resume = (): void => undefined;

  async function order(goesOn = false): Promise<void> {
    begun += 1;
    const profile = begun % rsaShare === 0 ? testProfiles.rsa : testProfiles.p256;
    const name = `client-${begun}.example`;
    const kind = goesOn ? 2 : begun % otherShare;
    const key = kind === 1 ? {} : { key: randomUUID() };
    const prefer = kind === 2 ? { prefer: 'respond-async' } : {};
    const { pem: csr } = makeCsr('ec-p256', name);
    while (stoppedAt === undefined || performance.now() - stoppedAt < patienceMs) {
      const options = { profile, csr, subjectDn: { common_name: name }, ...key };
      const asked = client.post({ ...options, ...prefer });
      if (kind === 2) await asked;
      if (kind === 2 || kind === 3) await client.post({ ...options, prefer: 'wait=1' });
      const answer = await asked;
      if (answer.status !== undefined && !uncertain.has(answer.fate)) return;
      await wait(50 + Math.random() * 150);
    }
  }
  async function askOnAndOn(): Promise<void> {
    while (stoppedAt === undefined) {
      await mayBegin;
      await order();
    }
  }
  const running = Array.from({ length: inFlight }, askOnAndOn);
  return {
    client,
    orderAsync(count) {
      const orders = Array.from({ length: count }, () => order(true));
      running.push(...orders);
      return Promise.all(orders);
    },
    pause() {
      resume();
      mayBegin = new Promise((resolve) => {
        resume = resolve;
      });
    },
    resume: () => resume(),
    async stop() {
      stoppedAt ??= performance.now();
      resume();
      await Promise.all(running);
    },
    async readBack() {
      const ids = new Set(
        client.answers.filter((answer) => answer.certificate === undefined).map((answer) => answer.id),
      );
      for (const id of ids) if (id !== undefined) await client.get(id);
    },
  };
}
