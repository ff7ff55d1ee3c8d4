import { EventEmitter } from 'node:events';
import type { Log } from '@sluice/lifecycle';
import type { Metrics } from '@sluice/telemetry';
import {
  type Breaker,
  type BreakerOptions,
  type BreakerState,
  breakerStates,
  createBreaker,
  sliceMs,
} from './breaker.js';

/** All breakers of one process, and what it tells of them. */
export interface Breakers {
  /** `onClosed` is called whenever it closes again. */
  create(options: BreakerOptions & { readonly onClosed?: () => void }): Breaker;
  /** For a breaker that a library brings along: shown beside the others. */
  show(name: string, state: () => BreakerState): void;
  /** By name. */
  states(): Record<string, BreakerState>;
}

export function createBreakers({ metrics, log }: { readonly metrics: Metrics; readonly log: Log }): Breakers {
  const states = new Map<string, () => BreakerState>();
  const slice = new EventEmitter().setMaxListeners(0);
  // One timer for all of them; it keeps no process alive.
  setInterval(() => slice.emit('rotate'), sliceMs).unref();

  metrics.gauge('breaker_state', 'State of each breaker: 0 closed, 1 probing, 2 open.', ['dependency'], (gauge) => {
    for (const [dependency, state] of states) gauge.set({ dependency }, breakerStates.indexOf(state()));
  });
  const opened = metrics.counter('breaker_opened_total', 'How often each breaker opened anew.', ['dependency']);
  const refused = metrics.counter('breaker_refused_total', 'Calls that an open breaker refused.', ['dependency']);

  return {
    create(options) {
      const dependency = options.name;
      /** An open breaker that probed in vain opens again; that is no news. */
      let away = false;
      const breaker = createBreaker(options, slice, {
        onRefused: () => refused.inc({ dependency }),
        onChange(state, because) {
          if (state === 'open' && !away) {
            away = true;
            opened.inc({ dependency });
            log.warn(
              { event: 'breaker-opened', dependency, err: because },
              'it does not answer; calls are refused at once',
            );
          }
          if (state !== 'closed') return;
          away = false;
          log.info({ event: 'breaker-closed', dependency }, 'it answers again');
          options.onClosed?.();
        },
      });
      states.set(dependency, breaker.state);
      return breaker;
    },
    show: (name, state) => void states.set(name, state),
    states: () => Object.fromEntries([...states].map(([name, state]) => [name, state()])),
  };
}
