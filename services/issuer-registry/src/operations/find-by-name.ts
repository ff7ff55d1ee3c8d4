import { SluiceError } from '@sluice/errors';

/** The row of that name. Throws `not-found`, in words for an operator. */
export function findByName<Row extends { readonly name: string }>(
  rows: readonly Row[],
  kind: 'CA' | 'profile' | 'account',
  name: string,
): Row {
  const row = rows.find((candidate) => candidate.name === name);
  if (row !== undefined) return row;
  throw new SluiceError('not-found', `There is no ${kind} named ${name}`, {
    facts: { what_to_do: `List what there is: sluice ${kind.toLowerCase()} ls.` },
  });
}
