import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** A wire that can be damaged: stands between a process and the server it talks to. */
export interface TcpProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Both sides see a reset now; new connections are refused until `heal`. */
  cut(): void;
  /** Every chunk waits this long, in both directions. */
  delay(delayMs: number): void;
  /** Connections stay, new ones are taken, and nothing gets through in either direction. */
  blackHole(): void;
  /** What the client sends arrives; the server's answers do not: a commit whose answer is lost. */
  halfOpen(): void;
  /** The connections there are stay and pass nothing ever again; new ones work: a firewall forgot them, or an address moved. */
  forget(): void;
  /** On each connection, what the server sends goes through one of these, piece by piece, until `heal`. */
  alterAnswers(make: () => Alter): void;
  /** As new. What a black hole or a half-open wire kept back is lost, so the connections that had it are reset. */
  heal(): void;
  close(): Promise<void>;
}

/** What arrives in the place of a piece that was sent. */
export type Alter = (piece: Buffer) => readonly Buffer[];

type Damage = 'none' | 'cut' | 'black-hole' | 'half-open';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  lossy: boolean;
  forgotten: boolean;
  alter: Alter | undefined;
}

export async function createTcpProxy(options: {
  readonly target: { readonly host: string; readonly port: number };
}): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let damage: Damage = 'none';
  let delayMs = 0;
  let makeAlter: (() => Alter) | undefined;

  function forward(pair: Pair, from: Socket, to: Socket, isAnswer: boolean): void {
    let last = Promise.resolve();
    from.on('data', (chunk) => {
      if (pair.forgotten || damage === 'black-hole' || (damage === 'half-open' && isAnswer)) {
        pair.lossy = true;
        return;
      }
      if (isAnswer) pair.alter ??= makeAlter?.();
      const pieces = isAnswer && pair.alter ? pair.alter(chunk) : [chunk];
      const pause = delayMs;
      // In order, however the delay changes meanwhile.
      last = last.then(async () => {
        if (pause > 0) await wait(pause);
        for (const piece of pieces) if (!to.destroyed) to.write(piece);
      });
    });
    from.on('end', () => void last.then(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      to.destroySoon();
      pairs.delete(pair);
    });
  }

  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    if (damage === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...options.target, allowHalfOpen: true });
    const pair: Pair = { client, server, lossy: false, forgotten: false, alter: undefined };
    for (const socket of [client, server]) socket.setNoDelay(true);
    pairs.add(pair);
    forward(pair, client, server, false);
    forward(pair, server, client, true);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');

  const reset = (which: (pair: Pair) => boolean): void => {
    for (const pair of [...pairs].filter(which)) {
      pair.client.resetAndDestroy();
      pair.server.resetAndDestroy();
      pairs.delete(pair);
    }
  };
  return {
    host: '127.0.0.1',
    port: (proxy.address() as AddressInfo).port,
    cut() {
      damage = 'cut';
      reset(() => true);
    },
    delay(newDelayMs) {
      delayMs = newDelayMs;
    },
    blackHole() {
      damage = 'black-hole';
    },
    halfOpen() {
      damage = 'half-open';
    },
    forget() {
      for (const pair of pairs) pair.forgotten = true;
    },
    alterAnswers(make) {
      makeAlter = make;
      for (const pair of pairs) pair.alter = make();
    },
    heal() {
      makeAlter = undefined;
      for (const pair of pairs) pair.alter = undefined;
      damage = 'none';
      delayMs = 0;
      reset((pair) => pair.lossy);
    },
    async close() {
      proxy.close();
      reset(() => true);
      await once(proxy, 'close');
    },
  };
}
