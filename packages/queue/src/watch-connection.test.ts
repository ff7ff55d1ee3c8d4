import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { expect, it, vi } from 'vitest';
import { patientOptions } from './redis-options.js';
import { watchConnection } from './watch-connection.js';

it('gives up a connection whose peer says nothing any more, and makes another', async () => {
  const peers: Socket[] = [];
  const silent = createServer((socket) => peers.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const client = new Redis({ ...patientOptions(`redis://127.0.0.1:${port}`, 'test'), disconnectTimeout: 10 });
  client.on('error', () => undefined);
  const endWatch = watchConnection(client, 20);
  await vi.waitFor(() => expect(peers.length).toBeGreaterThan(1));
  endWatch();
  client.disconnect();
  for (const peer of peers) peer.destroy();
  silent.close();
});
