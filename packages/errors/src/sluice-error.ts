import { type Code, codes } from './codes.js';

/** The one error class. Facts are fields, not text; `cause` is kept for the log and never shown to a client. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: Code;
  /** Structured facts, safe to show: never a secret, never a key, never a payload. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: Code, message?: string, options: { facts?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message ?? codes[code].title, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

/** Whatever was thrown, as one of ours: a stranger becomes `internal` with the original as its cause. */
export function asSluiceError(thrown: unknown): SluiceError {
  return thrown instanceof SluiceError ? thrown : new SluiceError('internal', undefined, { cause: thrown });
}
