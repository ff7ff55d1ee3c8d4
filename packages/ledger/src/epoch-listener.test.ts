import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { listenForEpochs } from './epoch-listener.js';

/** AuthenticationOk and ReadyForQuery. */
const greeting = Buffer.from('5200000008000000005a0000000549', 'hex');

it('a server that lets it in and then says nothing keeps it waiting for seconds, not for good', async () => {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.once('data', () => socket.write(greeting));
    socket.on('data', () => undefined).on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const listening = await listenForEpochs(`postgresql://nobody@127.0.0.1:${port}/none`, () => undefined);
    // Given up, and tried once more.
    await expect.poll(() => sockets.length, { timeout: 20_000 }).toBe(2);
    await listening.close();
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}, 60_000);
