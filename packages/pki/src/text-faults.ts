// Control characters (\u0000 would fail a whole batch in PostgreSQL), lone surrogates, and the marks that make a name
// read in another order than it is written.
const forbidden = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Why this text can stand in no name, whatever its field, or `undefined`. */
export function textFault(value: string, charactersMax: number): string | undefined {
  if (value.length === 0) return 'must not be empty';
  if (value.length > charactersMax && [...value].length > charactersMax) {
    return `must have at most ${charactersMax} characters`;
  }
  if (forbidden.test(value)) return 'must not hold control characters';
  return value.trim() === value ? undefined : 'must not begin or end with a blank';
}

/** Why this is no PrintableString, or `undefined`. */
export function printableFault(value: string): string | undefined {
  return /^[A-Za-z0-9 '()+,\-./:=?]+$/.test(value) ? undefined : "may only hold letters, digits and '()+,-./:=? ";
}
