import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { promisify } from 'node:util';
import { SluiceError } from '@sluice/errors';
import type { Log, Part } from '@sluice/lifecycle';
import type { StatusRoutes } from '@sluice/telemetry';

/** Connections at once; each holds at most a body of 64 kB. */
const connectionsMax = 10_000;

const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Longer than the 60 s of usual load balancers, so that they, not we, close idle connections. */
  keepAliveTimeout: 65_000,
  /** How often Node looks for connections that are beyond those. */
  connectionsCheckingInterval: 1000,
};

export interface HttpServer extends Part {
  /** Where it listens; throws before `start`. */
  address(): { host: string; port: number };
  readonly draining: boolean;
  /** Open now. */
  connections(): Promise<number>;
}

export interface HttpServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly statusRoutes: StatusRoutes;
  /** Gets every request that is not for the status routes. */
  readonly app: (request: IncomingMessage, response: ServerResponse) => void;
  readonly log: Log;
}

/**
 * The listening server. `stop` drains: no new connections, whatever waits is answered, what still comes on connections
 * kept alive gets 503 `draining` (by the app) and its connection closed; at the deadline the rest is cut off.
 */
export function createHttpServer({ listen, statusRoutes, app, log }: HttpServerOptions): HttpServer {
  let draining = false;
  /** Connections on which no request has come yet: Node does not count them as idle. */
  const silent = new Set<Socket>();
  const server = createServer(timeouts, (request, response) => {
    silent.delete(request.socket);
    if (!statusRoutes(request, response)) app(request, response);
  });
  server.maxConnections = connectionsMax;
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });

  function address(): { host: string; port: number } {
    const bound = server.address() as AddressInfo | null;
    if (!bound) throw new Error('the server does not listen');
    return { host: bound.family === 'IPv6' ? `[${bound.address}]` : bound.address, port: bound.port };
  }

  return {
    name: 'http-server',
    address,
    connections: promisify(server.getConnections.bind(server)),
    get draining() {
      return draining;
    },
    async start() {
      server.listen(listen.port, listen.host);
      try {
        await once(server, 'listening');
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : 'unknown';
        throw new SluiceError('config-invalid', `SLUICE_LISTEN cannot be used: ${reason}`, { cause });
      }
      server.on('error', (err) => log.error({ event: 'server-error', err }, 'the server failed'));
      const { host, port } = address();
      log.info({ event: 'listening', listening: `${host}:${port}` }, 'listening');
    },
    async stop(deadlineMs) {
      draining = true;
      if (!server.listening) return;
      const closed = once(server, 'close');
      // Idle connections close now; each other one after its answer.
      server.close();
      for (const socket of silent) if (socket.bytesRead === 0) socket.destroy();
      const force = setTimeout(() => server.closeAllConnections(), deadlineMs);
      await closed;
      clearTimeout(force);
    },
  };
}
