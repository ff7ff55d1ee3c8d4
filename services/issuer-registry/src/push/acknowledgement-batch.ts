import type { Acknowledgement, RegistryStore } from '@sluice/ledger';

type Verdict = Awaited<ReturnType<RegistryStore['acknowledge']>>[number];

export interface AcknowledgementBatch {
  /** In the ledger on return, or the ledger's `conflict`. Throws what the ledger throws. */
  keep(ack: Acknowledgement): Promise<Verdict>;
}

interface Waiting {
  readonly ack: Acknowledgement;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: unknown) => void;
}

/** Signs of life share one statement a second, however many subscribers there are. */
const gatherMs = 1000;

/**
 * News goes into the ledger at once, with whatever has gathered; whatever comes while a statement runs shares the next.
 * A sign of life, which says again what is known, waits up to a second for others.
 */
export function createAcknowledgementBatch(
  acknowledge: (acks: readonly Acknowledgement[]) => Promise<readonly Verdict[]>,
): AcknowledgementBatch {
  /** What each subscriber said last: of as many as have keys. */
  const said = new Map<string, string>();
  let waiting: Waiting[] = [];
  let running = false;
  let urgent = false;
  let timer: NodeJS.Timeout | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (running) return;
    running = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      urgent = false;
      try {
        const verdicts = await acknowledge(batch.map(({ ack }) => ack));
        for (const [index, { resolve }] of batch.entries()) resolve(verdicts[index] ?? 'conflict');
      } catch (error) {
        for (const { ack, reject } of batch) {
          said.delete(ack.name);
          reject(error);
        }
      }
      if (!urgent) break;
    }
    running = false;
    if (waiting.length > 0) schedule();
  }

  function schedule(): void {
    timer ??= setTimeout(() => void flush(), gatherMs);
  }

  return {
    keep(ack) {
      const news = `${ack.incarnation} ${ack.epoch}`;
      const isNews = said.get(ack.name) !== news;
      said.set(ack.name, news);
      return new Promise((resolve, reject) => {
        waiting.push({ ack, resolve, reject });
        if (isNews) {
          urgent = true;
          void flush();
        } else schedule();
      });
    },
  };
}
