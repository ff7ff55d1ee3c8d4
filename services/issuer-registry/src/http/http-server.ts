import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log, Part } from '@sluice/lifecycle';
import { startListening } from '@sluice/telemetry';

export interface HttpServer extends Part {
  /** `host:port`; throws before `start`. */
  address(): string;
}

/** Listens; logs `event: 'listening', listening: 'host:port'`. Stops by finishing what runs, then cutting what is left. */
export function createHttpServer(options: {
  readonly listen: { readonly host: string; readonly port: number };
  readonly listener: RequestListener;
  readonly log: Log;
}): HttpServer {
  const { listen, listener, log } = options;
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 30_000 }, listener);
  server.maxConnections = 1000;

  function address(): string {
    const bound = server.address() as AddressInfo | null;
    if (bound === null) throw new Error('the server does not listen');
    return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
  }

  return {
    name: 'http-server',
    address,
    async start() {
      await startListening(server, listen);
      server.on('error', (err) => log.error({ event: 'http-server-error', err }, 'the server failed'));
      log.info({ event: 'listening', listening: address() }, 'listening');
    },
    async stop(deadlineMs) {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), deadlineMs);
      await closed;
      clearTimeout(force);
    },
  };
}
