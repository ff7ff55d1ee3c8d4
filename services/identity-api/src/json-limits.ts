/** What JSON is read here at all. No call needs a tenth of it. */
export const jsonLimits = { depthMax: 16, valuesMax: 1000 } as const;

const quote = 0x22;
const backslash = 0x5c;

/**
 * What of the limits a JSON text breaks, in words, or `undefined`; looked for before it is parsed, in one pass and without
 * recursion. A text that is not JSON may pass: the parser finds that.
 */
export function jsonLimitFault(text: string): string | undefined {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === quote) {
      at = endOfString(text, at);
    } else if (character === 0x7b || character === 0x5b) {
      depth += 1;
      values += 1;
      if (depth > jsonLimits.depthMax) return `nests deeper than ${jsonLimits.depthMax}`;
    } else if (character === 0x7d || character === 0x5d) {
      depth -= 1;
    } else if (character === 0x2c) {
      values += 1;
    }
    if (values > jsonLimits.valuesMax) return `holds more than ${jsonLimits.valuesMax} values`;
  }
  return undefined;
}

/** Offset of the quote that ends the string that begins at `start`; the end of the text when none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}
