import { expect, it } from 'vitest';
import { rules } from '../gate/alert-rules.js';
import { system } from './one-system.js';

/** A histogram's sum is exported as part of it. */
const family = (name: string) => name.replace(/_(sum|count)$/, '');

it('every metric in a rule is exported by a running service', async () => {
  const members = [system.registry, ...system.frontEnds, ...system.signers];
  const pages = await Promise.all(members.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
  const exported = new Set(pages.flatMap((page) => [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)));
  const named = new Set(rules.flatMap(({ expr }) => expr.match(/sluice_[a-z_]+/g) ?? []).map(family));
  expect(named.size).toBeGreaterThan(8);
  expect([...named].filter((name) => !exported.has(name))).toEqual([]);
});
