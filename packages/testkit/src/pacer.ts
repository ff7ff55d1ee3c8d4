import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** A capacity that several processes share: each asks for one signature at a time, in the order of arrival. */
export interface Pacer {
  /** "127.0.0.1:PORT", for `createPacedKeyStore` in whichever process. */
  readonly address: string;
  /** Granted so far. */
  granted(): number;
  setRate(signaturesPerSecond: number): void;
  close(): Promise<void>;
}

/** Grants `signaturesPerSecond`, evenly spaced; what was not used is not saved up. At 0 it stands still. */
export async function startPacer(options: { readonly signaturesPerSecond: number }): Promise<Pacer> {
  let rate = options.signaturesPerSecond;
  let granted = 0;
  let grantedAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const waiting: Socket[] = [];
  const sockets = new Set<Socket>();

  function grantNext(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0 || rate <= 0) return;
    const dueInMs = grantedAt + 1000 / rate - performance.now();
    if (dueInMs > 0) {
      timer = setTimeout(grantNext, dueInMs);
      return;
    }
    // The place in the rhythm, not the moment the timer woke up: a late timer does not slow the rate.
    grantedAt = Math.max(performance.now() - 20, grantedAt + 1000 / rate);
    const socket = waiting.shift();
    if (socket && !socket.destroyed) {
      granted += 1;
      socket.write('+');
    }
    grantNext();
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy()); // a process that was killed: it asks no more
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (asked) => {
      for (let signature = 0; signature < asked.length; signature += 1) waiting.push(socket);
      grantNext();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    granted: () => granted,
    setRate(signaturesPerSecond) {
      rate = signaturesPerSecond;
      grantNext();
    },
    async close() {
      clearTimeout(timer);
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Asks a pacer: each call resolves when one signature may be made. Rejects when the pacer is gone. */
export function pacedBy(address: string): { turn(): Promise<void>; close(): void } {
  const [host, port] = address.split(':');
  const socket = connect({ host: host ?? '', port: Number(port) });
  socket.setNoDelay(true);
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  let ended: Error | undefined;
  const fail = (error: Error): void => {
    ended = error;
    for (const waiter of waiting.splice(0)) waiter.reject(error);
  };
  socket.on('data', (granted) => {
    for (let count = 0; count < granted.length; count += 1) waiting.shift()?.resolve();
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error(`the pacer at ${address} is gone`)));
  return {
    turn: () =>
      new Promise<void>((resolve, reject) => {
        if (ended) return reject(ended);
        waiting.push({ resolve, reject });
        socket.write('?');
      }),
    close: () => socket.destroy(),
  };
}
