import { asSluiceError, type SluiceError } from '@sluice/errors';
import { flowName, type Lane, laneName } from '@sluice/issuance';
import type { ClaimCursor, ClaimedRequest } from '@sluice/ledger';
import type { Turn } from '@sluice/queue';
import { batchRows } from './batch-size.js';
import { type Claim, claimBatch } from './claim.js';
import { ClaimSlots } from './claim-slots.js';
import { FlowsInHand } from './flows-in-hand.js';
import { type LateRows, processClaim } from './process-claim.js';
import type { SignerContext } from './signer-context.js';

/** A turn older than this waited behind others: then the ledger says what is most urgent, not the turn. */
const calmAgeMsMax = 50;
/** A turn of a fresh flow is older than this only when the request has most likely been claimed by policy. */
const freshAgeMsMax = 250;
/** Claims in flight at once for flows that have nothing in hand here: few, because among many flows they go newest first. */
const freshClaimsMax = 2;
/** And so many rows in each; what a turn has beyond them goes by policy. */
const freshRowsMax = 4;
/** An idle lane asks the ledger this often, whatever Redis does. */
const pollIntervalMs = 1000;
/** After a claim that gave only work which cannot be signed here now, turns are let go for so long. */
const fruitlessRestMs = 250;
/** Claims of a backlog follow each other, each with at most 150 ms of work; when the last is older than this, something keeps them. */
const followsMsMax = 200;
/** After a claim by policy that gave nothing the next waits so long, twice as long each time up to the longest. */
const emptyRestMs = { first: 5, longest: 100 };

type ClaimWay = 'ids' | 'fresh' | 'policy' | 'poll';

/**
 * Claims for one lane. Turns and polling only say *when* to look; what is taken is decided in the ledger. Several cycles
 * (claim, sign, complete) run side by side in the lane's own slots, so that the stages overlap.
 */
export interface LanePump {
  readonly lane: Lane;
  /**
   * A turn's cycle; resolves when its slot is free again, which keeps turns waiting in Redis while this signer is busy. At
   * once when it is of a fresh flow, would only wait for claims that follow each other anyway, or the lane rests.
   */
  onTurn(turn: Turn): Promise<void>;
  /** Claims by policy when the last claim by policy is a second ago. Resolves at once. */
  poll(): void;
  /** No new claims; resolves when the running cycles have ended. */
  drain(): Promise<void>;
}

const idsOf = (requests: Turn['requests']): string[] => requests.map(({ requestId }) => requestId);

export function createLanePump(context: SignerContext, slots: ClaimSlots, lane: Lane): LanePump {
  const { clock, metrics, templates, log } = context;
  const name = laneName(lane);
  const running = new Set<Promise<void>>();
  /** The cycle by policy that has not sent its claim yet: whoever wants one now is served by it. */
  let next: Promise<void> | undefined;
  const freshSlots = new ClaimSlots(freshClaimsMax);
  const inHand = new FlowsInHand();
  /** The last claim by policy left work behind: then the flows take turns, and no turn's ids go before them. */
  let backlog = false;
  /** That claim is followed by another without a turn. */
  let followed = false;
  let cursor: ClaimCursor | undefined;
  let byPolicyAtMs = Number.NEGATIVE_INFINITY;
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let emptyClaims = 0;
  let emptyUntilMs = Number.NEGATIVE_INFINITY;
  let draining = false;
  let away = false;

  function track(cycle: Promise<void>): Promise<void> {
    running.add(cycle);
    void cycle.finally(() => running.delete(cycle));
    return cycle;
  }

  function byPolicy(way: 'policy' | 'poll'): Promise<void> {
    next ??= track(policyCycle(way));
    return next;
  }

  /** Turns for work that is held, or that another signer has, would otherwise ask the ledger as fast as it answers. */
  async function policyCycle(way: 'policy' | 'poll'): Promise<void> {
    if (await hindered()) {
      next = undefined;
      return;
    }
    const restMs = emptyUntilMs - clock.monotonicMs();
    if (restMs > 0) await clock.pause(restMs);
    await slots.acquire();
    next = undefined;
    byPolicyAtMs = clock.monotonicMs();
    await inSlot(slots, way);
  }

  async function hintedCycle(from: ClaimSlots, way: 'ids' | 'fresh', requestIds: readonly string[]): Promise<void> {
    await from.acquire();
    if (!context.claimHindrance()) return inSlot(from, way, requestIds);
    from.release();
    await hindered();
  }

  /** The requests of a turn whose flows have nothing in hand here: what others have claimed is not ahead of them. */
  function freshOf({ requests, ageMs }: Turn): Turn['requests'] {
    if (!freshSlots.free || ageMs > freshAgeMsMax || context.claimHindrance()) return [];
    return requests.filter(({ flow }) => flow !== '' && !inHand.has(flow)).slice(0, Math.min(freshRowsMax, countMax()));
  }

  /** In hand from now on: until the ledger has answered, the next turn of these flows would find them fresh as well. */
  async function freshCycle(requests: Turn['requests']): Promise<void> {
    const letGo = inHand.take(requests.map(({ flow }) => flow));
    await hintedCycle(freshSlots, 'fresh', idsOf(requests)).finally(letGo);
  }

  /** Keeps the turn for a while: each that this signer lets go without a claim, one that could claim would miss. */
  async function hindered(): Promise<boolean> {
    const hindrance = draining ? undefined : context.claimHindrance();
    if (!hindrance) return false;
    metrics.hindered.inc({ lane: name, code: hindrance.code });
    failed(hindrance);
    await clock.pause(pollIntervalMs);
    return true;
  }

  /** Told once: while it lasts, readiness and the metrics tell the rest. */
  function failed(err: SluiceError): void {
    const facts = { event: 'claim-failed', lane: name, code: err.code, err };
    if (!away) log.warn(facts, 'a claim failed; the lane looks again in a second');
    away = true;
  }

  /** Resolves when the slot is free again; what is late then is still under way. */
  function inSlot(from: ClaimSlots, way: ClaimWay, requestIds?: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const slotIsFree = (): void => {
        from.release();
        resolve();
      };
      void track(context.claimsUnderWay.run(() => claimAndProcess(way, requestIds, slotIsFree)));
    });
  }

  /** Never rejects: what went wrong is logged, and the next turn or poll looks again. */
  async function claimAndProcess(
    way: ClaimWay,
    requestIds: readonly string[] | undefined,
    slotIsFree: () => void,
  ): Promise<void> {
    let late: LateRows | undefined;
    try {
      // Asked again: a slot may have been waited for.
      if (draining || context.claimHindrance()) return;
      metrics.claims.inc({ lane: name, way });
      const choice = requestIds ? { requestIds } : { cursor };
      const claim = await claimBatch(context, lane, { countMax: countMax(), ...choice });
      away = false;
      if (!requestIds) afterPolicyClaim(claim);
      const letGo = inHand.take(claim.rows.map(({ account, ca }) => flowName(account, ca)));
      late = await processClaim(context, claim).finally(letGo);
    } catch (thrown) {
      followed = false;
      failed(asSluiceError(thrown));
    } finally {
      slotIsFree();
    }
    // A key that hangs keeps nobody from claiming: its CA is passed over meanwhile.
    await late?.ended;
  }

  function countMax(): number {
    const rows = batchRows(context.gate.rowsPerSecond(lane.class), slots.count);
    metrics.batchRows.set({ lane: name }, rows);
    return rows;
  }

  /**
   * A full claim is followed by another at once, beside its own signatures. One that held nothing but work of profiles
   * not ready here is not, and the lane rests: that work goes straight back to the queue, and looking again at once
   * would turn it in circles. Work of a CA that is left alone does not: the next claim passes it over.
   */
  function afterPolicyClaim({ full, empty, rows, cursor: goesOnAt }: Claim): void {
    cursor = goesOnAt;
    restAfterEmpty(empty);
    backlog = full;
    const fruitless = rows.length > 0 && !rows.some(maySign);
    followed = full && !fruitless && !draining;
    if (fruitless) restUntilMs = clock.monotonicMs() + fruitlessRestMs;
    else if (followed) void byPolicy('policy');
  }

  /** Nothing is lost by it: a turn that comes meanwhile waits for the claim at the end of the rest, with all the others. */
  function restAfterEmpty(empty: boolean): void {
    emptyClaims = empty ? emptyClaims + 1 : 0;
    const restMs = Math.min(emptyRestMs.longest, emptyRestMs.first * 2 ** (emptyClaims - 1));
    emptyUntilMs = empty ? clock.monotonicMs() + restMs : Number.NEGATIVE_INFINITY;
  }

  /** A backlog's turns say nothing new, and while they waited here, the turn of a fresh flow would not be seen behind them. */
  function claimsFollow(): boolean {
    return followed && !context.claimHindrance() && clock.monotonicMs() - byPolicyAtMs < followsMsMax;
  }

  function maySign({ purpose, profile, profileRevision }: ClaimedRequest): boolean {
    return purpose === 'generate' || templates.rules().ready(profile, profileRevision) !== undefined;
  }

  return {
    lane,
    onTurn(turn) {
      if (draining) return Promise.resolve();
      const { requests, ageMs } = turn;
      const calm = ageMs <= calmAgeMsMax && requests.length > 0 && slots.free && !backlog;
      if (calm && requests.length <= countMax()) return track(hintedCycle(slots, 'ids', idsOf(requests)));
      const fresh = freshOf(turn);
      if (fresh.length > 0) void track(freshCycle(fresh));
      if (fresh.length > 0 && fresh.length === requests.length) return Promise.resolve();
      if (clock.monotonicMs() < restUntilMs) return Promise.resolve();
      const claimed = byPolicy('policy');
      return claimsFollow() ? Promise.resolve() : claimed;
    },
    poll() {
      if (!draining && clock.monotonicMs() - byPolicyAtMs >= pollIntervalMs) void byPolicy('poll');
    },
    async drain() {
      draining = true;
      while (running.size > 0) await Promise.all(running);
    },
  };
}
