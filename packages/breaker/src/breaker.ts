import { EventEmitter } from 'node:events';
import { asSluiceError, type SluiceError } from '@sluice/errors';
import { type DispositionFacts, dispositionFacts, dispositionOf } from '@sluice/issuance';
import { withinHeard } from '@sluice/lifecycle';
import CircuitBreaker from 'opossum';

/** `closed`: calls go through. `open`: refused at once. `probing`: refused, while one probe is on its way. */
export const breakerStates = ['closed', 'probing', 'open'] as const;
export type BreakerState = (typeof breakerStates)[number];

export interface BreakerOptions {
  /** `ledger`, `registry`, `token:hsm-1`: its label in metrics, logs and `sluice status`. */
  readonly name: string;
  /** It counts the failures after which the disposition table says that this steps back, and no others. */
  readonly backOff: Extract<DispositionFacts['backOff'], 'dependency' | 'token-on-signer'>;
  /** A cheap question. Any answer closes the breaker, also a refusal that does not count. */
  readonly probe: () => Promise<unknown>;
  /** What callers get while it is not closed, and what a probe that hangs failed with. */
  readonly refuse: () => SluiceError;
  /** For an error that counts by the table although it was an answer: true leaves it out. */
  readonly answered?: ((error: SluiceError) => boolean) | undefined;
}

export interface Breaker {
  readonly name: string;
  state(): BreakerState;
  /** Does `call`, or throws what `refuse` makes without doing it. Counts how it went; its error is passed on as it is. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Counts a call that was made elsewhere: how it failed, or that it did not. */
  count(failure?: SluiceError): void;
  /** For whoever knows by other means that nobody answers. */
  open(): void;
}

export interface BreakerEvents {
  readonly onChange: (state: BreakerState, because?: SluiceError) => void;
  readonly onRefused: () => void;
}

/** Slices of the window over which calls are counted; `slice` is emitted at the end of each. */
export const windowSlices = 10;
export const sliceMs = 1000;
/** With fewer calls in the window nobody can tell. */
const callsMin = 3;
/** More than this opens. Half does not: one CA's key that is found and does not sign must not shut the token for all. */
const failedPercent = 50;
/** Between two probes. */
const probeEveryMs = 1000;
/** A probe without an answer by then has failed: otherwise one that hangs would keep the breaker shut for good. */
const probeWaitMs = 2000;

/**
 * opossum's breaker, with the disposition table as its filter. Callers never probe: while it is open one cheap question
 * a second does, so that nobody's request pays for finding out, and no serial is burned for it.
 */
export function createBreaker(options: BreakerOptions, slice: EventEmitter, events: BreakerEvents): Breaker {
  const { name, backOff, probe, refuse, answered = () => false } = options;
  let last: SluiceError | undefined;

  /** Filtered failures count as successes, in opossum as in truth: whatever refused answered. */
  function filtered(thrown: unknown): boolean {
    const error = asSluiceError(thrown);
    const counts = dispositionFacts[dispositionOf(error.code)].backOff === backOff && !answered(error);
    if (counts) last = error;
    return !counts;
  }

  const ownSlice = new EventEmitter();
  slice.on('rotate', () => ownSlice.emit('rotate'));
  const circuit: CircuitBreaker<[() => Promise<unknown>], unknown> = new CircuitBreaker(
    (call: () => Promise<unknown>) => call(),
    {
      timeout: false,
      resetTimeout: probeEveryMs,
      errorThresholdPercentage: failedPercent,
      volumeThreshold: callsMin,
      rollingCountBuckets: windowSlices,
      rollingCountTimeout: windowSlices * sliceMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: ownSlice,
      // Of calls that began before it opened only a true success closes it: one that found no free connection, because all
      // of them hang, is no sign of life.
      errorFilter: (thrown: unknown) => circuit.closed && filtered(thrown),
    },
  );

  async function probeInTime(): Promise<void> {
    const asked = probe();
    // Its end may come when nobody waits for it any more.
    asked.catch(() => undefined);
    try {
      if (await withinHeard(probeWaitMs, asked)) return;
    } catch (thrown) {
      if (filtered(thrown)) return;
      throw thrown;
    }
    throw refuse();
  }

  circuit.on('open', () => events.onChange('open', last));
  circuit.on('halfOpen', () => {
    events.onChange('probing');
    // At once, so that the one call which opossum lets through is this. How it went, the circuit has counted.
    circuit.fire(probeInTime).catch(() => undefined);
  });
  circuit.on('close', () => {
    // opossum keeps the failures in its window: one more, however small the matter, would open it again.
    for (let slices = 0; slices < windowSlices; slices += 1) ownSlice.emit('rotate');
    events.onChange('closed');
  });

  return {
    name,
    state: () => (circuit.closed ? 'closed' : circuit.halfOpen ? 'probing' : 'open'),
    run<T>(call: () => Promise<T>): Promise<T> {
      if (!circuit.closed) {
        events.onRefused();
        return Promise.reject(refuse());
      }
      return circuit.fire(call) as Promise<T>; // it resolves with what `call` resolved with
    },
    count(failure) {
      if (!circuit.closed) return;
      circuit.fire(() => (failure ? Promise.reject(failure) : Promise.resolve())).catch(() => undefined);
    },
    open() {
      if (circuit.closed) circuit.open();
    },
  };
}
