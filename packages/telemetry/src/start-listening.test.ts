import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { startListening } from './start-listening.js';

it('says in one line that an address is in use, and by which setting it was given', async () => {
  const [first, second] = [createServer(), createServer()];
  await startListening(first, { host: '127.0.0.1', port: 0 });
  const { port } = first.address() as AddressInfo;
  try {
    await expect(startListening(second, { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(new RegExp(`^SLUICE_LISTEN cannot be used: .*in use.*${port}$`)),
    });
  } finally {
    first.close();
  }
});
