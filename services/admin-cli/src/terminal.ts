/** Everything the commands do to the outside, so that a test can stand in for it. */
export interface Terminal {
  /** To standard output, with a line end. */
  out(text: string): void;
  /** To standard error, with a line end. */
  err(text: string): void;
  /** A person is there to be asked, and sees colours. */
  readonly interactive: boolean;
  /** One line from the person. */
  ask(question: string): Promise<string>;
  /** Standard input to its end. */
  readInput(): Promise<string>;
  /** Empties the screen before the next picture; nothing when it is not one. */
  clear(): void;
  /** On standard error, in the place of what it drew before: a picture that moves. Empty takes it away. */
  redraw(text: string): void;
  /** Resolves after that time, or at once when the person interrupts. */
  pause(waitMs: number): Promise<void>;
  /** True once the person pressed Ctrl-C. */
  interrupted(): boolean;
  now(): Date;
}
