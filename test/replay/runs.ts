import { type Guard, guards } from './guards.js';

/** The day once more, with some of the guards. */
export interface Run {
  readonly name: string;
  readonly has: ReadonlySet<Guard>;
}

const run = (name: string, has: readonly Guard[]): Run => ({ name, has: new Set(has) });

export const all = run('all', guards);
export const none = run('none', []);
/** The front ends are never told and the renewers never stop; a person follows the page. */
export const byThePage = run('by-the-page', ['deadline', 'join', 'park']);

/** In the order in which they are shown: each guard missing beside the same guard alone. */
export const runs: readonly Run[] = [
  all,
  none,
  ...guards.flatMap((guard) => [
    run(
      `without-${guard}`,
      guards.filter((one) => one !== guard),
    ),
    run(`only-${guard}`, [guard]),
  ]),
  byThePage,
];

/** Those of these names, in the order of `runs`. Throws, naming all there are, for a name that is none. */
export function runsOf(names: readonly string[]): Run[] {
  const known = runs.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no run ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return runs.filter(({ name }) => names.includes(name));
}
