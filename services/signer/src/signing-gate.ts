import { type RequestClass, requestClasses, signingShares } from '@sluice/issuance';
import { BusyRate } from './busy-rate.js';

/** Gives a place back; called once. */
export type Leave = () => void;

type Settle = (granted: boolean) => void;

interface Line {
  readonly share: number;
  /** By flow. The flow that was served last is the last. */
  readonly waiting: Map<string, Set<Settle>>;
  /** Rows that wait or have a place. */
  present: number;
  /** Rows granted ÷ share: whoever has least is next. */
  used: number;
}

/**
 * The places in front of the keys: each row needs one while it is built, signed and verified, so a row of one class waits
 * for at most the rows that have a place, and never behind batches of another. When more want one than there are, the
 * class that got least for its share goes first; what a class does not use, the others may (work-conserving). Strides,
 * counted in rows and not in time: a key that hangs would be charged to the class that suffers from it. Inside a class the
 * flows take turns, as in the claim: what one account had claimed before keeps another waiting for a row, not for a batch.
 */
export class SigningGate {
  readonly places: number;
  readonly #lines: Readonly<Record<RequestClass, Line>>;
  readonly #rate: BusyRate;
  #free: number;
  /** `used` of the class served last: a class that was idle starts from here, without credit for its idle time. */
  #floor = 0;

  constructor(places: number, monotonicMs: () => number) {
    this.places = places;
    this.#free = places;
    // As of one place: a claim must not take more than is lately signed, whatever more places might do.
    this.#rate = new BusyRate(monotonicMs);
    const line = (requestClass: RequestClass): Line => ({
      share: signingShares[requestClass],
      waiting: new Map(),
      present: 0,
      used: 0,
    });
    this.#lines = {
      urgent: line('urgent'),
      interactive: line('interactive'),
      async: line('async'),
      background: line('background'),
    };
  }

  /** Resolves when a place is this caller's, or with `undefined` when `tooLate` came first. First come first served within a flow. */
  async enter(requestClass: RequestClass, flow: string, tooLate: AbortSignal): Promise<Leave | undefined> {
    const line = this.#lines[requestClass];
    this.#come(line);
    if (!(await this.#granted(line, flow, tooLate))) {
      this.#go(line);
      return undefined;
    }
    return () => {
      this.#rate.done(1);
      this.#go(line);
      this.#free += 1;
      this.#grantNext();
    };
  }

  /**
   * Rows a second that this class would get now, among those that want the keys at this moment: the rate lately measured
   * over all of them, by the shares. `undefined` before the first row.
   */
  rowsPerSecond(requestClass: RequestClass): number | undefined {
    const { share } = this.#lines[requestClass];
    let shares = share;
    for (const one of requestClasses) {
      if (one !== requestClass && this.#lines[one].present > 0) shares += this.#lines[one].share;
    }
    const rate = this.#rate.perSecond();
    return rate === undefined ? undefined : (rate * share) / shares;
  }

  #come(line: Line): void {
    line.present += 1;
    this.#rate.begin();
  }

  #go(line: Line): void {
    line.present -= 1;
    this.#rate.end();
  }

  #granted(line: Line, flow: string, tooLate: AbortSignal): Promise<boolean> | boolean {
    if (tooLate.aborted) return false;
    if (this.#free > 0) {
      this.#serve(line);
      return true;
    }
    return new Promise((resolve) => {
      const settle: Settle = (granted) => {
        takeOut(line, flow, settle);
        tooLate.removeEventListener('abort', giveUp);
        resolve(granted);
      };
      const giveUp = (): void => settle(false);
      tooLate.addEventListener('abort', giveUp);
      const sameFlow = line.waiting.get(flow);
      if (sameFlow) sameFlow.add(settle);
      else line.waiting.set(flow, new Set([settle]));
    });
  }

  #grantNext(): void {
    let next: Line | undefined;
    for (const requestClass of requestClasses) {
      const line = this.#lines[requestClass];
      if (line.waiting.size > 0 && (!next || this.#rank(line) < this.#rank(next))) next = line;
    }
    const [turn] = next?.waiting ?? [];
    if (!next || !turn) return;
    const [flow, rows] = turn;
    next.waiting.delete(flow);
    next.waiting.set(flow, rows);
    this.#serve(next);
    const [first] = rows;
    first?.(true);
  }

  #serve(line: Line): void {
    this.#free -= 1;
    this.#floor = this.#rank(line);
    line.used = this.#floor + 1 / line.share;
  }

  #rank(line: Line): number {
    return Math.max(line.used, this.#floor);
  }
}

function takeOut({ waiting }: Line, flow: string, settle: Settle): void {
  const rows = waiting.get(flow);
  rows?.delete(settle);
  if (rows?.size === 0) waiting.delete(flow);
}
