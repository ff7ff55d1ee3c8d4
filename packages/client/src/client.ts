import { randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { Until } from './attempts.js';
import type { Continuing, Identity, Order } from './bodies.js';
import { cancel } from './cancel.js';
import { type Clock, systemClock } from './clock.js';
import { createHttp } from './http.js';
import { follow, look, lookLeastMs, type Standing } from './look.js';
import { attemptLeastMs, orderIdentity } from './order-identity.js';
import { uuid } from './reply.js';
import { createRetryBudget } from './retry-budget.js';

export interface ClientOptions {
  /** Where the service is reached: `https://identities.example`. Over plain HTTP the API key can be read on the way. */
  readonly baseUrl: string | URL;
  /** Of the account. Stands in no error and no log. */
  readonly apiKey: string;
  /** Default: that of Node. */
  readonly fetch?: typeof globalThis.fetch;
  /** Default: that of the machine. */
  readonly clock?: Clock;
  /** 0 ≤ x < 1, for jitter. */
  readonly random?: () => number;
  /** Idempotency keys, none of them twice. Default: UUIDs. */
  readonly newKey?: () => string;
}

export interface WaitOptions {
  /** The call ends within so many milliseconds, all attempts and pauses included. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call at once: it rejects with the signal's reason. What was ordered may go on. */
  readonly signal?: AbortSignal | undefined;
}

export interface OrderOptions extends WaitOptions {
  /**
   * 1 to 255 printable ASCII characters that stand for this order, for 72 hours. Give one that you have stored when the
   * order must survive a crash of this process; ordered again with it, you join. Default: a new one.
   */
  readonly idempotencyKey?: string | undefined;
  /** Do not wait: `continuing` as soon as it is stored. The order then goes on for its profile's time to live. */
  readonly respondAsync?: boolean | undefined;
}

/**
 * Asks for certificates as a good client does. One client per process and account: the budget for retries is shared by
 * all its calls. Every method may be called at the same time as any other.
 */
export interface Client {
  /**
   * Orders a certificate and waits for it. `issued`: here it is. `continuing`: it goes on without you, see `follow`; so
   * after `respondAsync`, when the time was over while it was being signed, or an operator has set it aside.
   * What gets no answer, or one that may pass, is ordered again with the same key, so there is never a second
   * certificate: at most three attempts, never sooner than Retry-After, never past the deadline, and retries are at
   * most a tenth of all calls (and ten). Throws CallError with the `fate` of the order and its `idempotencyKey`.
   */
  order(order: Order, options?: OrderOptions): Promise<Identity | Continuing>;
  /**
   * Waits until a request that goes on is issued. How it stands at the deadline otherwise, or sooner when the service
   * cannot be asked any more. Throws CallError when it has ended without a certificate or cannot be seen at all.
   */
  follow(id: string, options?: WaitOptions): Promise<Standing>;
  /** How a request stands now. Throws CallError, also for what has ended without a certificate. */
  read(id: string, options?: WaitOptions): Promise<Standing>;
  /** Cancels what is queued or set aside. Throws CallError: `not-cancellable` when it is being signed or has ended. */
  cancel(id: string, options?: WaitOptions): Promise<void>;
}

const timeoutDefaultMs = 30_000;
const keyForm = /^[\x20-\x7e]{1,255}$/;

/** Throws `config-invalid` for an address or an API key that cannot be one. Opens nothing. */
export function createClient(options: ClientOptions): Client {
  const { clock = systemClock, random = Math.random, newKey = randomUUID } = options;
  const http = createHttp(baseUrlOf(options.baseUrl), apiKeyOf(options.apiKey), options.fetch ?? fetch, clock);
  const trying = { clock, random, budget: createRetryBudget() };

  const untilOf = ({ timeoutMs = timeoutDefaultMs, signal }: WaitOptions, leastMs: number): Until => {
    if (!(timeoutMs >= leastMs)) throw new RangeError(`timeoutMs must be at least ${leastMs}`);
    return { deadlineMs: clock.monotonicMs() + timeoutMs, attemptLeastMs: leastMs, signal };
  };
  return {
    async order(order, how = {}) {
      const until = untilOf(how, attemptLeastMs);
      const idempotencyKey = how.idempotencyKey ?? newKey();
      if (!keyForm.test(idempotencyKey)) throw new SluiceError('key-invalid');
      const respondAsync = how.respondAsync ?? false;
      const ownKey = how.idempotencyKey === undefined;
      const ordered = await orderIdentity(http, trying, order, { ...until, idempotencyKey, ownKey, respondAsync });
      if (ordered.fate === 'issued' || respondAsync) return ordered;
      const followed = await follow(http, trying, ordered.id, until, { standing: ordered, idempotencyKey });
      // What was promised once stays true while it is open.
      return followed.fate === undefined ? { ...followed, fate: 'continuing' } : followed;
    },
    follow: async (id, how = {}) => follow(http, trying, idOf(id), untilOf(how, lookLeastMs)),
    read: async (id, how = {}) => look(http, trying, idOf(id), untilOf(how, lookLeastMs)),
    cancel: async (id, how = {}) => cancel(http, trying, idOf(id), untilOf(how, lookLeastMs)),
  };
}

function idOf(id: string): string {
  const known = uuid(id);
  if (known === undefined) throw new SluiceError('id-invalid');
  return known;
}

function baseUrlOf(text: string | URL): string {
  const url = URL.canParse(String(text)) ? new URL(text) : undefined;
  const plain = url !== undefined && url.username + url.password + url.search + url.hash === '';
  if (!plain || !/^https?:$/.test(url.protocol)) {
    throw new SluiceError('config-invalid', 'baseUrl is not a plain http or https address');
  }
  return url.href.replace(/\/+$/, '');
}

/** In a header that it does not fit into, it would be told by the error. */
function apiKeyOf(apiKey: string): string {
  if (/^slk_[A-Za-z0-9_-]{43}$/.test(apiKey)) return apiKey;
  throw new SluiceError('config-invalid', 'apiKey is not one: slk_ and 43 characters');
}
