/** What the client prefers (RFC 7240), bounded by what we offer. */
export interface Preference {
  /** How long we hold the connection, in milliseconds. 0: not at all. */
  readonly waitMs: number;
  /** The client is content with 202 and will look again: its request lives on after the wait. */
  readonly respondAsync: boolean;
  /** Value of Preference-Applied; `undefined` when nothing asked for was applied. */
  readonly applied: string | undefined;
}

/** Default and maximum of a wait. */
export const waitMaxMs = 6000;

const noPreference: Preference = { waitMs: waitMaxMs, respondAsync: false, applied: undefined };

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const word = `(?:${token}|"(?:[^"\\\\]|\\\\.)*")`;
/** token [ BWS "=" BWS word ] *( OWS ";" OWS parameter ), RFC 7240 section 2. */
const preferenceForm = new RegExp(`^(${token})(?:[ \\t]*=[ \\t]*(${word})?)?(?:[ \\t]*;.*)?$`);
/** Longer headers are not worth the reading; RFC 7240 lets a server ignore any preference. */
const headerLengthMax = 1000;

/**
 * Reads `Prefer`. What is malformed or unknown is ignored, as RFC 7240 says; of a preference given twice the first
 * counts; a wait beyond the maximum becomes the maximum. `respond-async` alone means not to wait; with `wait=N` it means
 * to wait N and then answer 202 (RFC 7240 section 4.3).
 */
export function readPrefer(header: string | undefined): Preference {
  if (header === undefined || header.length > headerLengthMax) return noPreference;
  let waitS: number | undefined;
  let waitSeen = false;
  let respondAsync = false;
  for (const element of splitOutsideQuotes(header)) {
    const form = preferenceForm.exec(element.trim());
    const name = form?.[1]?.toLowerCase();
    if (name === 'respond-async') respondAsync = true;
    if (name !== 'wait' || waitSeen) continue;
    waitSeen = true;
    const value = (form?.[2] ?? '').replace(/^"(.*)"$/, '$1');
    if (/^\d{1,10}$/.test(value)) waitS = Math.min(Number(value), waitMaxMs / 1000);
  }
  if (waitS === undefined && !respondAsync) return noPreference;
  const applied = [...(respondAsync ? ['respond-async'] : []), ...(waitS === undefined ? [] : [`wait=${waitS}`])];
  return { waitMs: (waitS ?? 0) * 1000, respondAsync: respondAsync || waitS === 0, applied: applied.join(', ') };
}

function splitOutsideQuotes(header: string): readonly string[] {
  if (!header.includes('"')) return header.split(',');
  const elements: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < header.length; at++) {
    const character = header[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      elements.push(header.slice(start, at));
      start = at + 1;
    }
  }
  elements.push(header.slice(start));
  return elements;
}
