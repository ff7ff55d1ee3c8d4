import type { Breaker } from '@sluice/breaker';
import type { Code, SluiceError } from '@sluice/errors';
import type { KeyStore } from '@sluice/key-store';
import type { Caller, SignerLedger } from '@sluice/ledger';
import type { Checkpoint, UnderWay } from '@sluice/lifecycle';
import type { Bell } from '@sluice/queue';
import type { Logger } from '@sluice/telemetry';
import type { BusyRate } from './busy-rate.js';
import type { CaBackOff } from './ca-back-off.js';
import type { Clock } from './clock.js';
import type { SignerMetrics } from './signer-metrics.js';
import type { SigningGate } from './signing-gate.js';
import type { Templates } from './templates.js';

/** What the operations of this service work with. `context.ts` alone puts it together. */
export interface SignerContext {
  readonly ledger: SignerLedger;
  /** The present incarnation. Throws `fenced` before the first enrolment. */
  readonly caller: () => Caller;
  /** For whoever was told `fenced`: enrols anew if need be. */
  readonly renewNow: () => Promise<void>;
  readonly keyStore: KeyStore;
  /** Of the token behind `keyStore`. Told once per batch, not once per signature. */
  readonly tokenBreaker: Breaker;
  /** Why nothing may be claimed now, or `undefined`. */
  readonly claimHindrance: () => SluiceError | undefined;
  readonly templates: Templates;
  /** Resolves when that epoch is in force here; throws `unavailable` when it is not in so many milliseconds. */
  readonly applied: (epoch: bigint, waitMs: number) => Promise<void>;
  /** Claims and what is done with their rows: an epoch is acknowledged when those begun under an older one have ended. */
  readonly claimsUnderWay: UnderWay;
  readonly bell: Pick<Bell, 'ring'>;
  readonly backOff: CaBackOff;
  readonly gate: SigningGate;
  /** Of the whole signer, all lanes and stages together: what admission goes by. */
  readonly capacity: BusyRate;
  readonly clock: Clock;
  /** CSPRNG. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly leaseMs: number;
  /** True once a stop leaves no time for what is not begun: it is released. */
  readonly mustStop: () => boolean;
  readonly checkpoint: Checkpoint;
  readonly metrics: SignerMetrics;
  readonly log: Logger;
  /** One line before and one after the signatures of a batch: ids and serials, never keys or content. */
  readonly audit: Logger;
}

/** Why a row is not signed now. */
export interface Refusal {
  readonly code: Code;
  readonly detail: string;
}
