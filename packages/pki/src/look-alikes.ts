/** Words of one script, and of what all scripts share: digits, signs, marks. */
function only(...scripts: string[]): RegExp {
  return new RegExp(`^[${['Common', 'Inherited', ...scripts].map((name) => `\\p{scx=${name}}`).join('')}]*$`, 'u');
}

/** Latin, and the scripts with letters that are drawn as Latin ones. */
const drawnAlike = ['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Cherokee', 'Coptic', 'Lisu', 'Deseret', 'Osage'].map(
  (name) => ({
    some: new RegExp(`\\p{sc=${name}}`, 'u'),
    only: only(name),
  }),
);

/** What Latin is written together with: Unicode Technical Standard 39, section 5.2, "highly restrictive". */
const together = [
  only('Latin', 'Han', 'Hiragana', 'Katakana'),
  only('Latin', 'Han', 'Bopomofo'),
  only('Latin', 'Han', 'Hangul'),
];

const ascii = /^[ -~]*$/;

/**
 * Does a word of this text mix scripts in a way that is only done to look like another word: Latin and Cyrillic, Latin
 * and Greek? Words may be of different scripts: "Ромашка (Romashka)".
 */
export function hasMixedWord(text: string): boolean {
  if (ascii.test(text)) return false;
  return text.split(/[^\p{L}\p{M}\p{N}]+/u).some(isMixed);
}

function isMixed(word: string): boolean {
  const mixes = drawnAlike.some((script) => script.some.test(word) && !script.only.test(word));
  return mixes && !together.some((scripts) => scripts.test(word));
}

/** Letters of Cyrillic and Greek that are drawn as Latin ones, as browsers list them for the names they show. */
const drawnAsLatin = /^(?:[-0-9асԁеһіјӏорԛѕԝхуъьҽпгѵѡ]+|[-0-9αικνρυωηοτ]+)$/u;

/** Does a whole label of a domain name, decoded, look like a Latin one? */
export function looksLatin(label: string): boolean {
  return !ascii.test(label) && drawnAsLatin.test(label);
}
