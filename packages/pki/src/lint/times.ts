const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Milliseconds since 1970 of a UTCTime (two digits of year, 1950 to 2049) or GeneralizedTime (four), in the only forms
 * that RFC 5280 4.1.2.5 allows: seconds, no fraction, Z. NaN for everything else, days that no calendar has included.
 */
export function readTimeMs(bytes: Uint8Array, start: number, end: number, yearDigits: 2 | 4): number {
  const rest = start + yearDigits;
  if (end - start !== yearDigits + 11 || bytes[end - 1] !== 0x5a) return Number.NaN;
  for (let at = start; at < end - 1; at += 1) {
    const octet = bytes[at] ?? 0;
    if (octet < 0x30 || octet > 0x39) return Number.NaN;
  }
  const low = two(bytes, rest - 2);
  const year = yearDigits === 4 ? 100 * two(bytes, start) + low : low + (low >= 50 ? 1900 : 2000);
  const month = two(bytes, rest);
  const day = two(bytes, rest + 2);
  const hour = two(bytes, rest + 4);
  const minute = two(bytes, rest + 6);
  const second = two(bytes, rest + 8);
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = (daysOfMonth[month - 1] ?? 0) + (leap ? 1 : 0);
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  // Date.UTC takes years below 100 for those of the last century.
  if (year < 100) return Number.NaN;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function two(bytes: Uint8Array, at: number): number {
  return 10 * ((bytes[at] ?? 0) - 0x30) + (bytes[at + 1] ?? 0) - 0x30;
}
