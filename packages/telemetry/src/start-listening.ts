import { once } from 'node:events';
import type { Server } from 'node:net';
import { SluiceError } from '@sluice/errors';

/** Resolves when it listens. Throws `config-invalid` for an address that cannot be had: in use, not ours, not allowed. */
export async function startListening(server: Server, listen: { host: string; port: number }): Promise<void> {
  server.listen(listen.port, listen.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown';
    throw new SluiceError('config-invalid', `SLUICE_LISTEN cannot be used: ${reason}`, { cause });
  }
}
