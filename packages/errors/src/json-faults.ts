/** What JSON is read here at all. No call needs a tenth of it. */
export const jsonLimits = { depthMax: 16, valuesMax: 1000 } as const;

export interface JsonFault {
  /** RFC 6901; empty for the text as a whole. */
  readonly pointer: string;
  readonly detail: string;
}

/** An object or list that is open where the scan stands. */
interface Open {
  /** Names of an object's members so far; absent for a list. */
  readonly names?: Set<string>;
  /** Name or index of the member the scan is in; undefined where a name is due. */
  member: string | number | undefined;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const openBrace = 0x7b;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/**
 * What is wrong with a JSON text that `JSON.parse` would not mind, or `undefined`: it breaks one of `jsonLimits`, or one
 * object has two members of the same name, of which two readers may take different ones (RFC 8259 4). Looked for before
 * it is parsed, in one pass and without recursion. A text that is not JSON may pass: the parser finds that.
 */
export function jsonFault(text: string): JsonFault | undefined {
  const open: Open[] = [];
  let values = 1;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === quote) {
      const end = endOfString(text, at);
      const inner = open.at(-1);
      if (inner !== undefined && inner.member === undefined) {
        inner.member = nameAt(text, at, end);
        if (inner.names?.has(inner.member)) return { pointer: pointerOf(open), detail: 'stands there twice' };
        inner.names?.add(inner.member);
      }
      at = end;
    } else if (character === openBrace || character === openBracket) {
      open.push(character === openBrace ? { names: new Set(), member: undefined } : { member: 0 });
      values += 1;
      if (open.length > jsonLimits.depthMax) return whole(`nests deeper than ${jsonLimits.depthMax}`);
    } else if (character === closeBrace || character === closeBracket) {
      open.pop();
    } else if (character === comma) {
      const inner = open.at(-1);
      if (inner !== undefined) inner.member = typeof inner.member === 'number' ? inner.member + 1 : undefined;
      values += 1;
    }
    if (values > jsonLimits.valuesMax) return whole(`holds more than ${jsonLimits.valuesMax} values`);
  }
  return undefined;
}

function whole(detail: string): JsonFault {
  return { pointer: '', detail };
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

/** The name as the parser reads it: `"\u0061"` is `a`. One that it cannot read stands for itself. */
function nameAt(text: string, start: number, end: number): string {
  const name = text.slice(start + 1, end);
  if (!name.includes('\\')) return name;
  try {
    return String(JSON.parse(`"${name}"`));
  } catch {
    return name;
  }
}

/** Members of a pointer that a client made up are cut to this. */
const memberLengthMax = 100;

function pointerOf(open: readonly Open[]): string {
  return open
    .map(({ member }) => `/${String(member).slice(0, memberLengthMax).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
