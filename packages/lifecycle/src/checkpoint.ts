/**
 * A labelled place in the code that a test may watch, stop at, or die at. Production passes `noCheckpoint`; nothing is
 * ever decided by one. Awaited where the place is asynchronous.
 */
export type Checkpoint = (label: string) => void | Promise<void>;

export const noCheckpoint: Checkpoint = () => undefined;
