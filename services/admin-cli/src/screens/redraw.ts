import { stripVTControlCharacters } from 'node:util';

/** Lines that a text takes on a screen of that width: long ones go round. */
function heightOf(text: string, columns: number): number {
  const lines = text.split('\n').map((line) => stripVTControlCharacters(line).length);
  return lines.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / columns)), 0);
}

/** A terminal that does not tell its width says 0 or nothing. */
const usualColumns = 80;

/** Control sequences that put each text in the place of the one before: up to its first line, erase to the end, write. */
export function createRedraw(columns: () => number | undefined): (text: string) => string {
  let before = '';
  return (text) => {
    const up = before === '' ? '' : `\u001b[${heightOf(before, columns() || usualColumns)}F\u001b[J`;
    before = text;
    return text === '' ? up : `${up}${text}\n`;
  };
}
