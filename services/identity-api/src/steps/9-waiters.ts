import { SluiceError } from '@sluice/errors';
import type { Standing } from '@sluice/ledger';
import type { Clock } from '../clock.js';
import { createServedSoon } from './9-served-soon.js';
import { isOpen } from './10-answer-for.js';

/** How a wait ended: it is no longer open · its time is over · the client hung up. */
export type WaitEnd = Standing | 'time-over' | 'hung-up';

export interface Waiter {
  /** Never rejects. */
  readonly ended: Promise<WaitEnd>;
  /** The client hung up, or was answered otherwise: gives the place back. Safe at any time. */
  leave(): void;
}

export interface Waiters {
  /** Are there no places left? Asked before anything is stored, so that what is stored can be waited for. */
  readonly full: boolean;
  readonly count: number;
  /** No place is left, or none for this request: however many join one, the others have theirs. */
  fullFor(requestId: string): boolean;
  /** Milliseconds that it lately took until a request ended. */
  readonly latelyMs: number;
  /** Of `count`, those who wait for nothing but their turn. */
  readonly soonCount: number;
  /**
   * Waits for this request to leave the open states, for `waitMs` milliseconds. `held`: its turn does not come meanwhile.
   * Throws `unavailable` when full.
   */
  wait(requestId: string, waitMs: number, held?: 'held'): Waiter;
  /** "Look again": some of these may be ours. */
  ring(requestIds: readonly string[]): void;
}

export interface WaitersOptions {
  /** Batched by the ledger with what else is being read. */
  readonly read: (requestId: string) => Promise<Standing | undefined>;
  readonly waitersMax: number;
  readonly waitersPerRequestMax: number;
  readonly onReadFailed: (error: unknown) => void;
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
  /** Pauses before the second, third … look, to the next tenth of a second; the last one repeats. */
  readonly pausesMs?: readonly number[];
  /** The same for what is held. */
  readonly heldPausesMs?: readonly number[];
}

interface Watch {
  readonly requestId: string;
  readonly pausesMs: readonly number[];
  readonly waiters: Set<(end: WaitEnd) => void>;
  stopResting: () => void;
  looks: number;
  reading: boolean;
  /** Rung while reading: what is being read may be older than the ring. */
  rung: boolean;
}

/** Looks that nobody rang for are made at multiples of this, so that those of many requests are one read. */
const lookTickMs = 100;
const weightOfNewest = 0.1;
const nothing = (): void => undefined;

/**
 * Step 9. Many may wait for one request: they share its reads and its result. The bell makes them look at once; since a
 * ring may be lost, they also look at growing intervals, and the ledger alone says what became of it.
 */
export function createWaiters(options: WaitersOptions): Waiters {
  const { read, waitersMax, waitersPerRequestMax, onReadFailed, clock } = options;
  const { pausesMs = [200, 400, 800], heldPausesMs = [1000, 2000, 4000] } = options;
  const watches = new Map<string, Watch>();
  let count = 0;
  let latelyMs = 0;
  const servedSoon = createServedSoon(
    () => latelyMs,
    () => clock.monotonicMs(),
  );

  function rest(watch: Watch): void {
    const pauseMs = watch.pausesMs[Math.min(watch.looks, watch.pausesMs.length - 1)] ?? 0;
    watch.looks += 1;
    const nowMs = clock.monotonicMs();
    const dueMs = Math.ceil((nowMs + pauseMs) / lookTickMs) * lookTickMs;
    watch.stopResting = clock.after(dueMs - nowMs, () => look(watch));
  }

  function look(watch: Watch): void {
    watch.stopResting();
    watch.reading = true;
    watch.rung = false;
    read(watch.requestId).then(
      (standing) => looked(watch, standing),
      (error: unknown) => {
        onReadFailed(error);
        looked(watch, undefined);
      },
    );
  }

  function looked(watch: Watch, standing: Standing | undefined): void {
    watch.reading = false;
    if (watch.waiters.size === 0) return;
    if (standing !== undefined && !isOpen(standing)) for (const end of [...watch.waiters]) end(standing);
    else if (watch.rung) look(watch);
    else rest(watch);
  }

  function watchFor(requestId: string, held: 'held' | undefined): Watch {
    const known = watches.get(requestId);
    if (known) return known;
    const watch: Watch = {
      requestId,
      pausesMs: held ? heldPausesMs : pausesMs,
      waiters: new Set(),
      stopResting: nothing,
      looks: 0,
      reading: false,
      rung: false,
    };
    watches.set(requestId, watch);
    rest(watch);
    return watch;
  }

  return {
    get full() {
      return count >= waitersMax;
    },
    get count() {
      return count;
    },
    fullFor: (requestId) => count >= waitersMax || (watches.get(requestId)?.waiters.size ?? 0) >= waitersPerRequestMax,
    get latelyMs() {
      return latelyMs;
    },
    get soonCount() {
      return servedSoon.count;
    },
    wait(requestId, waitMs, held) {
      if (count >= waitersMax) throw new SluiceError('unavailable', 'Too many wait already');
      count += 1;
      const watch = watchFor(requestId, held);
      const fromMs = clock.monotonicMs();
      const soon = held ? undefined : servedSoon.begin();
      let leave = nothing;
      const ended = new Promise<WaitEnd>((resolve) => {
        const end = (how: WaitEnd) => {
          if (!watch.waiters.delete(end)) return;
          takeBack();
          soon?.end();
          count -= 1;
          if (watch.waiters.size === 0) {
            watch.stopResting();
            watches.delete(requestId);
          }
          if (typeof how === 'object') latelyMs += weightOfNewest * (clock.monotonicMs() - fromMs - latelyMs);
          resolve(how);
        };
        const takeBack = clock.after(waitMs, () => end('time-over'));
        watch.waiters.add(end);
        leave = () => end('hung-up');
      });
      return { ended, leave };
    },
    ring(requestIds) {
      for (const requestId of requestIds) {
        const watch = watches.get(requestId);
        if (watch === undefined) continue;
        if (watch.reading) watch.rung = true;
        else look(watch);
      }
    },
  };
}
