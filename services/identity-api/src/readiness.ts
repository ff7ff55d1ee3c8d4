import type { Readiness } from '@sluice/telemetry';

export interface ReadinessFacts {
  readonly draining: boolean;
  /** Milliseconds since the ledger last answered the sampler. */
  readonly ledgerAnsweredMs: number | undefined;
  readonly snapshot: { readonly epoch: string; readonly stale: boolean } | undefined;
  readonly leaseHeld: boolean;
  /** `ok`, or in words what is wrong. */
  readonly redis: string;
  /** `ok`, or how wrong it is. */
  readonly clock: string;
}

/** The sampler reads once a second; this much silence means that the ledger does not answer. */
const ledgerSilenceMaxMs = 3000;

/**
 * Ready: the ledger answers, a snapshot is in force (also a stale one: the ledger is the fence), the lease is held.
 * Without Redis the service is degraded but ready: signers poll the ledger, waiters re-read it. A wrong clock is told:
 * deadlines are the ledger's, only the ids of requests are off.
 */
export function readiness(facts: ReadinessFacts): Readiness {
  const { draining, ledgerAnsweredMs, snapshot, leaseHeld, redis, clock } = facts;
  const ledgerAnswers = ledgerAnsweredMs !== undefined && ledgerAnsweredMs <= ledgerSilenceMaxMs;
  return {
    ready: ledgerAnswers && snapshot !== undefined && leaseHeld && !draining,
    checks: {
      ledger: ledgerAnswers ? 'ok' : 'does not answer',
      snapshot: snapshot === undefined ? 'none yet' : snapshot.stale ? `stale, epoch ${snapshot.epoch}` : 'ok',
      lease: leaseHeld ? 'ok' : 'not held',
      redis: redis === 'ok' ? 'ok' : `degraded: ${redis}`,
      clock,
      ...(draining ? { draining: 'this process is stopping' } : {}),
    },
  };
}
