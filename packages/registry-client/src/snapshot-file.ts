import { open, readFile, rename, rm } from 'node:fs/promises';
import type { Log } from '@sluice/lifecycle';
import { type Snapshot, storedStateSchema } from '@sluice/registry-protocol';
import type { Origin } from './lineage.js';

/** The last snapshot on disk, for a start without the registry. Not trusted for anything the claim does not check again. */
export interface SnapshotFile {
  /** `undefined` when there is none or it cannot be used (logged): the registry then has to answer. */
  read(): Promise<{ readonly state: Snapshot; readonly origin: Origin } | undefined>;
  /** Durable on return and never half: written beside (mode 0600, it holds hashes of API keys), synced, renamed. */
  write(state: Snapshot, origin: Origin): Promise<void>;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

export function createSnapshotFile(path: string, log: Log): SnapshotFile {
  return {
    async read() {
      try {
        const { state, ...origin } = storedStateSchema.parse(JSON.parse(await readFile(path, 'utf8')));
        return { state, origin };
      } catch (err) {
        if (!isMissing(err)) log.warn({ event: 'snapshot-file-unusable', path, err }, 'the stored snapshot is ignored');
        return undefined;
      }
    },
    async write(state, { history, digest }) {
      // One process has this file, so one name is enough, and a crash leaves no growing litter.
      const beside = `${path}.new`;
      try {
        const file = await open(beside, 'w', 0o600);
        try {
          await file.writeFile(JSON.stringify({ history, digest, state }));
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, path);
        // A crash here leaves either the older or the newer file, both whole.
      } catch (error) {
        await rm(beside, { force: true });
        throw error;
      }
    },
  };
}
