import { type Code, SluiceError } from '@sluice/errors';

/** SQLSTATEs raised by our own verbs (migrations, 0005). */
const ownStates: Readonly<Record<string, Code>> = {
  SLF01: 'fenced',
  SLC01: 'conflict',
  SLN01: 'not-found',
  SLA01: 'ca-unknown',
  SLP01: 'profile-unknown',
  SLX01: 'forbidden',
  SLS01: 'stale-snapshot',
  SLT01: 'internal',
};

/**
 * Nothing is stored, and it is not the statement's fault: no connection was had, the server refuses now (out of disk,
 * memory or connections, a standby after a failover), or it rolled the verb back (lock timeout, deadlock, cancelled).
 */
const beforeStates = new Set([
  '53000',
  '53100',
  '53200',
  '53300',
  '53400',
  '57P03',
  '55P03',
  '40001',
  '40P01',
  '28P01',
  '57014',
  '25006',
]);

/** What the server said. No class begins with E, but EPIPE has five letters too. */
const sqlState = /^(?!E)[0-9A-Z]{5}$/;

function codeOf(thrown: unknown): string | undefined {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}

/**
 * FATAL and PANIC: a server that gives up, itself or the connection, may have committed before. A panic for want of room
 * (53100 too) comes when a commit is in the log and the next page of the log finds no place. In another language than
 * English the word is another, and nothing is promised.
 */
function gaveUp(thrown: unknown): boolean {
  const severity = (thrown as { severity?: unknown } | undefined)?.severity;
  return severity !== undefined && severity !== 'ERROR';
}

/**
 * What went wrong, as one of ours. `unavailable`: nothing was stored (lock timeouts and deadlocks too: the whole verb
 * was rolled back). `outcome-unknown`: the answer to a commit was lost; ask again under the same id.
 */
export function ledgerError(thrown: unknown, sent: boolean): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const code = codeOf(thrown);
  const own = code === undefined ? undefined : ownStates[code];
  if (own !== undefined) {
    return new SluiceError(own, thrown instanceof Error ? thrown.message : undefined, { cause: thrown });
  }
  if (isCrowdOut(thrown)) {
    return new SluiceError('unavailable', 'All connections to the ledger are busy; nothing was stored', {
      cause: thrown,
    });
  }
  const rolledBack = code !== undefined && beforeStates.has(code) && !gaveUp(thrown);
  if (!sent || rolledBack) {
    return new SluiceError('unavailable', 'The ledger is away; nothing was stored', { cause: thrown });
  }
  if (code !== undefined && sqlState.test(code) && !/^(08|57P|58|XX)/.test(code) && !gaveUp(thrown)) {
    return new SluiceError('internal', `The ledger refused the statement (${code})`, { cause: thrown });
  }
  return new SluiceError('outcome-unknown', 'The ledger did not say whether it was stored', { cause: thrown });
}

/** pg-pool says so, and without a code, when all its connections stayed busy until the wait for one was over. */
function isCrowdOut(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message === 'timeout exceeded when trying to connect';
}

const contentionStates = new Set(['55P03', '40001', '40P01', '57014', '53200']);

/**
 * The server lives, and rolled back this one verb (a lock, a deadlock, a cancelled statement, one that wanted more
 * memory than there is), or we had no connection free: slow, or too much at once, but no sign against it. One that does not answer at all the silence watch finds.
 */
export function isContention(error: SluiceError): boolean {
  return isCrowdOut(error.cause) || contentionStates.has(codeOf(error.cause) ?? '');
}

/** A standby said so. This connection leads to what was the primary; a new one may lead to the one that is. */
export function isReadOnly(error: SluiceError): boolean {
  return codeOf(error.cause) === '25006';
}

/**
 * A partition was attached between the routing of a row, to the default one, and its insert, whose constraint had grown
 * meanwhile (the only check violation without a name). All of it was rolled back, and asked again it goes where it belongs.
 */
export function wasOvertaken(thrown: unknown): boolean {
  return codeOf(thrown) === '23514' && !(thrown as { constraint?: unknown }).constraint;
}

/** Whatever has an SQLSTATE was said by a server, even if it was no. */
export function saidByServer(thrown: unknown): boolean {
  return sqlState.test(codeOf(thrown) ?? '');
}

/** A fault of one row (data exception, constraint): worth splitting the batch for, so that it harms only itself. */
export function isFaultOfOneRow(error: SluiceError): boolean {
  const code = codeOf(error.cause);
  return error.code === 'internal' && code !== undefined && /^(21|22|23|54|SLT)/.test(code);
}
