import { setTimeout as wait } from 'node:timers/promises';
import type { System } from '@sluice/testkit';

/** What a busy machine may add to a push, and to the rejection of what was held. */
export const noticeMs = 30_000;
const lookIntervalMs = 100;

/** Resolves when every process of these services works by the registry's present state; throws, naming who does not. */
export async function untilApplied(system: System, services: readonly string[]): Promise<void> {
  for (const end = performance.now() + noticeMs; ; await wait(lookIntervalMs)) {
    const behind = await system.query<{ name: string }>(
      `select name from registry.subscriber where service = any($1) and not fenced
         and acknowledged_epoch < (select epoch from registry.epoch)`,
      [services],
    );
    if (behind.length === 0) return;
    if (performance.now() > end) throw new Error(`not applied by ${behind.map(({ name }) => name).join(', ')}`);
  }
}
