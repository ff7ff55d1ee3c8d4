import type { Metrics } from '@sluice/telemetry';
import type { RefusalTally } from './refusal-tally.js';
import type { Forecast } from './steps/3-load-view.js';

export type Step = 'charge' | 'join' | 'validate' | 'verify-key' | 'accept' | 'wait' | 'decide' | 'all';

/** What this service counts. Labels come from closed sets: routes, codes, fates, steps. */
export interface FrontMetrics {
  answered(route: string, status: number, code: string, fate: string | undefined): void;
  /** An order, before anything was stored; `whose` as far as it was known. */
  refused(reason: string, whose?: { readonly ca: string; readonly account: string }): void;
  step(step: Step, durationMs: number): void;
  accepted(verdict: 'accepted' | 'joined'): void;
  turn(added: boolean): void;
  counted(where: 'redis' | 'memory'): void;
  readFailed(): void;
  hungUp(): void;
  batch(verb: string, size: number): void;
}

/** Memory of `labels`, which prom-client would otherwise hash anew for each observation. */
function remembered<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    let child = known.get(key);
    if (child === undefined) {
      child = make(key);
      known.set(key, child);
    }
    return child;
  };
}

export function createFrontMetrics(metrics: Metrics, waiting: () => number, tally: RefusalTally): FrontMetrics {
  const requests = metrics.counter('requests_total', 'HTTP requests answered', ['route', 'status', 'code']);
  const outcomes = metrics.counter('outcomes_total', 'What clients were told became of their requests', ['fate']);
  const refusals = metrics.counter('refusals_total', 'Orders refused before anything was stored', ['reason']);
  const steps = metrics.histogram('step_seconds', 'Duration of each step of an order', ['step']);
  const accepts = metrics.counter('accepts_total', 'Orders that became, or joined, a request', ['verdict']);
  const turns = metrics.counter('turns_total', 'Turns given after commits', ['result']);
  const counts = metrics.counter('limit_counts_total', 'Calls that counted orders or joins against limits', ['where']);
  const readsFailed = metrics.counter('waiter_reads_failed_total', 'Reads for waiters that failed and are repeated');
  const hangUps = metrics.counter('hang_ups_total', 'Clients that went away before their answer');
  const sizes = metrics.histogram(
    'ledger_batch_size',
    'Calls that shared one statement',
    ['verb'],
    [1, 2, 4, 8, 16, 32, 64],
  );
  metrics.gauge('waiters', 'Connections that wait for a request to end', [], (gauge) => gauge.set(waiting()));

  const requestsOf = remembered((key) => {
    const [route = '', status = '', code = ''] = key.split('\t');
    return requests.labels({ route, status, code });
  });
  const outcomesOf = remembered((fate) => outcomes.labels({ fate }));
  const refusalsOf = remembered((reason) => refusals.labels({ reason }));
  const stepsOf = remembered((step) => steps.labels({ step }));
  const acceptsOf = remembered((verdict) => accepts.labels({ verdict }));
  const turnsOf = remembered((result) => turns.labels({ result }));
  const countsOf = remembered((where) => counts.labels({ where }));
  const sizesOf = remembered((verb) => sizes.labels({ verb }));
  return {
    answered(route, status, code, fate) {
      requestsOf(`${route}\t${status}\t${code}`).inc();
      if (fate !== undefined) outcomesOf(fate).inc();
    },
    refused(reason, whose) {
      refusalsOf(reason).inc();
      tally.add({ ca: '', account: '', ...whose, code: reason });
    },
    step: (step, durationMs) => stepsOf(step).observe(durationMs / 1000),
    accepted: (verdict) => acceptsOf(verdict).inc(),
    turn: (added) => turnsOf(added ? 'added' : 'failed').inc(),
    counted: (where) => countsOf(where).inc(),
    readFailed: () => readsFailed.inc(),
    hungUp: () => hangUps.inc(),
    batch: (verb, size) => sizesOf(verb).observe(size),
  };
}

/** What admission reckons with. Lanes that are empty, and capacities that nobody knows, are absent. */
export function showForecast(metrics: Metrics, forecast: () => Forecast): void {
  metrics.gauge('predicted_wait_seconds', 'Until new work of the lane has its turn', ['lane'], (gauge) => {
    gauge.reset();
    for (const [lane, waitS] of forecast().waitS) gauge.set({ lane }, waitS);
  });
  metrics.gauge('signing_capacity', 'Signatures per second, as signers report it', ['key_group'], (gauge) => {
    gauge.reset();
    for (const [keyGroup, perSecond] of forecast().perSecond) gauge.set({ key_group: keyGroup }, perSecond);
  });
}
