/** What is known of a code, wherever it is told. */
export interface CodeFacts {
  /** HTTP status the edge answers with. */
  readonly status: number;
  readonly title: string;
  /** A sentence or two for people: what has happened, and what it says about what was asked for. */
  readonly meaning: string;
  /** The sentence a client or operator acts on. */
  readonly whatToDo: string;
}
