import { SluiceError } from '@sluice/errors';
import type { PreviewRow, QueueFilter } from '@sluice/ledger';
import type { PreviewView, QueueFilterBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { nearestNames } from './nearest-names.js';

/** As the ledger takes it. */
export function filterOf({ key_group: keyGroup, older_than_s: olderThanS, ...same }: QueueFilterBody): QueueFilter {
  return { ...same, keyGroup, olderThanS };
}

/**
 * The filter, if all that it names is there. Throws `not-found` with the nearest names, and `conflict` for one that names
 * nothing where `all` was not said.
 */
export async function checkedFilter(
  { store }: AdminContext,
  filter: QueueFilterBody,
  all: boolean,
): Promise<QueueFilter> {
  const { fraction = 1, ...named } = filter;
  if (Object.keys(named).length === 0 && fraction === 1 && !all) {
    throw new SluiceError('conflict', 'A filter that names nothing matches everything', {
      facts: {
        what_to_do: 'Name a CA, profile, account, class, fraction or age; or say --all when you mean all of it.',
      },
    });
  }
  const { cas, profiles, accounts } = await store.state();
  const known: readonly (readonly [string, string | undefined, readonly { readonly name: string }[]])[] = [
    ['CA', filter.ca, cas],
    ['profile', filter.profile, profiles],
    ['account', filter.account, accounts],
    ['key group', filter.key_group, cas.map(({ keyGroup }) => ({ name: keyGroup }))],
  ];
  for (const [kind, name, rows] of known) {
    const names = [...new Set(rows.map((row) => row.name))];
    if (name === undefined || names.includes(name)) continue;
    const near = nearestNames(name, names);
    throw new SluiceError('not-found', `There is no ${kind} named ${name}`, {
      facts: {
        nearest: near,
        what_to_do: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'See sluice queue ls.',
      },
    });
  }
  return filterOf(filter);
}

/** What these rows come to, when so many of them are dealt with in a second. */
export function previewView(rows: readonly PreviewRow[], ratePerS: number): PreviewView {
  const matched = rows.reduce((sum, { count }) => sum + count, 0);
  const oldest = Math.min(...rows.map((row) => row.oldest.getTime()));
  return {
    matched,
    waiting: rows.reduce((sum, { waiting }) => sum + waiting, 0),
    oldest: rows.length === 0 ? null : new Date(oldest).toISOString(),
    by: rows.map((row) => ({ state: row.state, class: row.class, count: row.count, oldest: row.oldest.toISOString() })),
    takes_s: Math.ceil(matched / ratePerS),
  };
}
