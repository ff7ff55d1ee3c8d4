// vitest global set-up: stops the PostgreSQL that the test files of a run share (testkit: sharedPostgres), if one of
// them asked for it. Its tear-down runs before that of leaked-processes.mjs, which would count it as leaked.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setUp() {
  return async () => {
    const dir = join(tmpdir(), 'shared-postgres');
    if (!existsSync(dir)) return;
    const { startPostgres } = await import('../../packages/local-stack/dist/index.js');
    // It is running: this adopts it.
    const postgres = await startPostgres({ dir });
    await postgres.stop();
  };
}
