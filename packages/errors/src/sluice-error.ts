import { type Code, codes } from './codes.js';

interface Circumstances {
  readonly facts?: Record<string, unknown>;
  readonly cause?: unknown;
  readonly retryAfterS?: number | undefined;
}

/** The one error class. Facts are fields, not text; `cause` is kept for the log and never shown to a client. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: Code;
  /** Structured facts, safe to show: never a secret, never a key, never a payload. */
  readonly facts: Readonly<Record<string, unknown>>;

  /** Whole seconds after which it is worth to try again, where whoever refused could tell. */
  readonly retryAfterS: number | undefined;

  constructor(code: Code, message?: string, options: Circumstances = {}) {
    super(message ?? codes[code].title, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
    this.retryAfterS = options.retryAfterS;
  }
}

/** Whatever was thrown, as one of ours: a stranger becomes `internal` with the original as its cause. */
export function asSluiceError(thrown: unknown): SluiceError {
  return thrown instanceof SluiceError ? thrown : new SluiceError('internal', undefined, { cause: thrown });
}
