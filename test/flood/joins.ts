import type { System } from '@sluice/testkit';

/** Calls that joined a request, at all front ends. */
export async function joinsOf(system: System): Promise<number> {
  const metrics = await Promise.all(system.frontEnds.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
  const joined = metrics.flatMap((text) => [
    ...text.matchAll(/^sluice_accepts_total\{[^}]*verdict="joined"[^}]*\} (\d+)/gm),
  ]);
  return joined.reduce((sum, [, count]) => sum + Number(count), 0);
}
