/** A promise that is resolved from outside; ending it again changes nothing. */
export interface Signal {
  readonly promise: Promise<void>;
  readonly end: () => void;
}

export function createSignal(): Signal {
  let end = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { promise, end };
}
