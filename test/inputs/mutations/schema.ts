import * as fc from 'fast-check';
import type { ValidOrder } from '../valid-orders.js';
import { type Mutated, mutated } from './mutated.js';

type Json = string | number | boolean | null | readonly Json[] | { readonly [member: string]: Json };
type Path = readonly (string | number)[];

/** What is done to the shape of an order: types, members too many or too few, texts that no text may be. */
export function mutatedSchema(from: ValidOrder): fc.Arbitrary<Mutated> {
  const order = from.order as unknown as Json;
  const places = fc.constantFrom(...pathsOf(order));
  const wrong: fc.Arbitrary<Json> = fc.oneof(
    fc.constantFrom<Json>(null, true, 0, -1, 1e300, '', [], {}, [[]], [null], { a: 1 }, 'x'.repeat(17_000)),
    fc.constantFrom<Json>(Array(101).fill('x'), 'a\u0000b', 'a\nb', '\u007f', '\ud800', '\udc00\ud800', '\u0085'),
    fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
  );
  const member = fc.oneof(
    fc.constantFrom('__proto__', 'constructor', 'toString', 'extensions', 'serial', 'Profile', 'not_after', ''),
    fc.string({ minLength: 1, maxLength: 10 }),
  );
  return fc.oneof(
    fc
      .tuple(places, wrong)
      .map(([path, value]) =>
        mutated('schema', `/${path.join('/')} of another kind`, from, changed(order, path, () => value) ?? 'null'),
      ),
    places
      .filter((path) => path.length > 0)
      .map((path) => mutated('schema', `no /${path.join('/')}`, from, changed(order, path, () => undefined) ?? {})),
    fc
      .tuple(places, member, wrong)
      .map(([path, name, value]) =>
        mutated('schema', `${name} too many`, from, changed(order, path, (at) => withMember(at, name, value)) ?? {}),
      ),
    places.map((path) =>
      mutated('schema', `/${path.join('/')} in a list`, from, changed(order, path, (at) => [at]) ?? []),
    ),
  );
}

/** Every place in the value, the value itself among them. */
function pathsOf(value: Json, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([member, inner]) => pathsOf(inner, [...path, member]))];
}

function changed(value: Json, path: Path, change: (at: Json) => Json | undefined): object | string | undefined {
  const result = changedAt(value, path, change);
  return typeof result === 'object' && result !== null
    ? result
    : result === undefined
      ? undefined
      : JSON.stringify(result);
}

function changedAt(value: Json, path: Path, change: (at: Json) => Json | undefined): Json | undefined {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return change(value);
  const entries = Object.entries(value).flatMap(([member, inner]) => {
    const now = member === String(step) ? changedAt(inner, rest, change) : inner;
    return now === undefined ? [] : [[member, now] as const];
  });
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : fromEntries(entries);
}

function withMember(at: Json, name: string, value: Json): Json {
  if (typeof at !== 'object' || at === null) return { [name]: value };
  return Array.isArray(at) ? [...at, value] : fromEntries([...Object.entries(at), [name, value]]);
}

/** As JSON.parse does it: `__proto__` is a member like any other. */
function fromEntries(entries: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries(entries) as Json;
}
