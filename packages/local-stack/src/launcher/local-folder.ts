import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '@sluice/errors';
import { readIfThere } from '../secret-file.js';
import { commandLine } from '../server-process.js';

/** The project this launcher belongs to. */
export const projectFolder = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');

/** Where a start keeps everything when it is told nothing else. */
export const usualFolder = join(projectFolder, '.local');

/** Where what `npm start` makes lies. Nobody else may read it. */
export interface LocalFolder {
  readonly path: string;
  /** Passwords and URLs with passwords, one file each. */
  readonly secrets: string;
  /** Ed25519 keys of the services, PKCS#8 PEM. */
  readonly serviceKeys: string;
  /** Ed25519 keys of the operators, PKCS#8 PEM. */
  readonly operators: string;
  /** CA keys, encrypted; only the signers open it. */
  readonly keyStore: string;
  readonly snapshots: string;
  readonly logs: string;
  readonly demo: string;
  /** Ports to take again at the next start. */
  readonly ports: string;
  /** Process ids: what a killed launcher left. */
  readonly run: string;
}

/** Makes the folders (0700). */
export function openLocalFolder(path = usualFolder): LocalFolder {
  const folder: LocalFolder = {
    path,
    secrets: join(path, 'secrets'),
    serviceKeys: join(path, 'service-keys'),
    operators: join(path, 'operators'),
    keyStore: join(path, 'key-store'),
    snapshots: join(path, 'snapshots'),
    logs: join(path, 'logs'),
    demo: join(path, 'demo'),
    ports: join(path, 'ports'),
    run: join(path, 'run'),
  };
  for (const each of Object.values(folder) as string[]) mkdirSync(each, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  return folder;
}

/**
 * Deletes what is ours there, and nothing else that may lie beside it, but for the folder of process ids, which holds
 * our own lock. The servers there must have been removed.
 */
export function emptyLocalFolder(folder: LocalFolder): void {
  const { path, run, ...ours } = folder;
  for (const each of Object.values(ours)) rmSync(each, { recursive: true, force: true });
  openLocalFolder(path);
}

/** Refuses (`conflict`) when another launcher of this folder is alive. A lock left by kill -9 is taken over. */
export function lockLocalFolder(folder: LocalFolder): { unlock(): void } {
  const file = join(folder.run, 'launcher.pid');
  const other = Number(readIfThere(file));
  if (other && other !== process.pid && commandLine(other).includes('launcher/main.js')) {
    throw new SluiceError('conflict', `Sluice already runs from ${folder.path} (process ${other}); stop it first`);
  }
  writeFileSync(file, `${process.pid}\n`, { mode: 0o600 });
  return { unlock: () => rmSync(file, { force: true }) };
}
