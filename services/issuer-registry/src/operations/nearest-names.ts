const nearestMax = 3;
const distanceMax = 3;

/** Letters to be changed, added or left out to make one of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let to = 1; to <= other.length; to += 1) {
      const same = one[at - 1] === other[to - 1] ? 0 : 1;
      next.push(Math.min((next[to - 1] ?? 0) + 1, (row[to] ?? 0) + 1, (row[to - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** The names that one may have meant, the likeliest first; none when none is near. */
export function nearestNames(meant: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, far: name.startsWith(meant) ? 1 : distance(meant, name) }))
    .filter(({ far }) => far <= distanceMax)
    .sort((a, b) => a.far - b.far || a.name.localeCompare(b.name))
    .slice(0, nearestMax)
    .map(({ name }) => name);
}
