import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SluiceError } from '@sluice/errors';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRegistryCalls, type RegistryCalls } from './registry-calls.js';

// A stream lives for days: whatever ends it must still do so after its request has been collected as garbage.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let registry: Server;
let speaking: NodeJS.Timeout;
let isSilent = false;
let streamsEnded = 0;
beforeAll(async () => {
  registry = createServer((request, response) => {
    response.writeHead(200);
    if (request.method === 'POST') return response.end();
    response.write('hello\n');
    speaking = setInterval(() => isSilent || response.write('still here\n'), 20);
    response.on('close', () => {
      clearInterval(speaking);
      streamsEnded += 1;
    });
  });
  await once(registry.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  registry.closeAllConnections();
  registry.close();
});

function makeCalls(silentAfterMs: number): RegistryCalls {
  const { port } = registry.address() as AddressInfo;
  return createRegistryCalls({
    registryUrl: `http://127.0.0.1:${port}`,
    name: 'signer-1',
    privateKeyPem: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    clock: () => new Date(),
    silentAfterMs,
  });
}

/** Reads on, with garbage collected between two lines, until it ends; then what ended it. */
async function followed(lines: AsyncGenerator<string>, onLine: (count: number) => void): Promise<unknown> {
  let count = 0;
  try {
    for await (const _ of lines) {
      collectGarbage();
      onLine(++count);
    }
  } catch (error) {
    return error;
  }
  return undefined;
}

it('a stream that is given up ends, with its connection, however old it is', async () => {
  isSilent = false;
  const giveUp = new AbortController();
  const because = new SluiceError('conflict', 'not believed');
  let after = 0;
  const ended = await followed(
    makeCalls(60_000).stream({ incarnation: 1n, epoch: 0n, whole: true }, giveUp.signal),
    (count) => {
      if (count > 10) after += 1;
      if (count === 10) giveUp.abort(because);
      // Where nothing ends it, this does.
      if (count === 40) throw new Error('it goes on');
    },
  );
  expect(ended).toBe(because);
  // What had come in one piece with the tenth.
  expect(after).toBeLessThanOrEqual(5);
  await expect.poll(() => streamsEnded).toBe(1);
});

it('a registry that falls silent is left, however old the stream is', async () => {
  isSilent = false;
  const ended = await followed(
    makeCalls(500).stream({ incarnation: 1n, epoch: 0n, whole: true }, new AbortController().signal),
    (count) => {
      if (count === 10) isSilent = true;
    },
  );
  expect(ended).toMatchObject({ code: 'unavailable' });
  await expect.poll(() => streamsEnded).toBe(2);
});
