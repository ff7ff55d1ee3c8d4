/** A wait that has begun. */
export interface SoonServed {
  /** It is over, whatever came of it. Safe at any time. */
  end(): void;
}

/** Counts those who wait for nothing but their turn. */
export interface ServedSoon {
  begin(): SoonServed;
  readonly count: number;
}

interface Wait extends SoonServed {
  readonly fromMs: number;
  over: boolean;
}

/**
 * Who has waited twice as long as it lately took waits for something else: a CA that is held, a token that hangs, a ring
 * that was lost. Nobody may wait for them: fifty dead CAs would make every order of a healthy one gather in vain.
 */
export function createServedSoon(latelyMs: () => number, monotonicMs: () => number): ServedSoon {
  /** In the order in which they began; those at the front that are over or overdue are taken out when somebody counts. */
  let waits: Wait[] = [];
  let front = 0;
  let over = 0;

  function takeOutFront(): void {
    const overdueMs = monotonicMs() - 2 * latelyMs();
    for (let wait = waits[front]; wait && (wait.over || wait.fromMs < overdueMs); wait = waits[front]) {
      if (wait.over) over -= 1;
      wait.over = true;
      front += 1;
    }
    if (front * 2 > waits.length) {
      waits = waits.slice(front);
      front = 0;
    }
  }

  return {
    begin() {
      takeOutFront();
      const wait: Wait = {
        fromMs: monotonicMs(),
        over: false,
        end() {
          if (wait.over) return;
          wait.over = true;
          over += 1;
        },
      };
      waits.push(wait);
      return wait;
    },
    get count() {
      takeOutFront();
      return waits.length - front - over;
    },
  };
}
