import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '@sluice/testkit';

/** The keys of these CAs are gone from the token that all signers share, and nobody is told. */
export function destroyKeys(system: System, cas: readonly string[]): void {
  for (const ca of cas) rmSync(join(system.dir, 'keys', `${ca}.pem`));
}
