/** What a value must look like, told to whoever is to give one, and checked. */
export interface Form {
  readonly name: string;
  /** For people. */
  readonly text: string;
  /** The same as a regular expression of ECMAScript, where one says it all. */
  readonly pattern?: string;
  /** Why this value does not have the form, or `undefined`. */
  readonly fault: (value: string) => string | undefined;
}

/** `expression` must take time that grows with the value and no faster. */
export function patternForm<Name extends string>(name: Name, expression: RegExp, text: string): Form & { name: Name } {
  return {
    ...{ name, text, pattern: expression.source },
    fault: (value) => (expression.test(value) ? undefined : text),
  };
}
