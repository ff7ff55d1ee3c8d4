import { patternForm } from './form.js';
import { hasMixedWord } from './look-alikes.js';

// Control characters (\u0000 would fail a whole batch in PostgreSQL), lone surrogates, the marks that make a name read in
// another order than it is written, whatever has no shape of its own, and blanks that look like others.
const forbidden =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]|(?![ \u3000])\p{Zs}/u;
// RFC 5892 appendix A.1 and A.2, in short: joiners shape the letters of Arabic and of the scripts of India.
const joiner = /(?<=[\p{scx=Arabic}\p{M}])[\u200c\u200d](?=\p{L})/gu;

/** Why this text can stand in no name, whatever its field, or `undefined`. */
export function textFault(value: string, charactersMax: number): string | undefined {
  if (value.length === 0) return 'must not be empty';
  if (value.length > charactersMax && [...value].length > charactersMax) {
    return `must have at most ${charactersMax} characters`;
  }
  if (!/^[ -~]*$/.test(value)) {
    if (forbidden.test(value.replace(joiner, ''))) return 'must not hold control characters or invisible ones';
    if (hasMixedWord(value)) return 'must not mix scripts in a word, such as Latin and Cyrillic';
  }
  return value.trim() === value ? undefined : 'must not begin or end with a blank';
}

export const printableForm = patternForm(
  'printable',
  /^[A-Za-z0-9 '()+,\-./:=?]+$/,
  "may only hold letters, digits, blanks and '()+,-./:=?",
);
export const asciiForm = patternForm('ascii', /^[ -~]*$/, 'must be printable ASCII');
