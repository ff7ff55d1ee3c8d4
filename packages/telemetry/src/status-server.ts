import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log, Part } from '@sluice/lifecycle';
import { startListening } from './start-listening.js';
import type { StatusRoutes } from './status-routes.js';

export interface StatusServer extends Part {
  /** Where it listens; throws before `start`. */
  address(): { host: string; port: number };
}

/** For services without other HTTP: serves the status routes and 404. Logs `event: 'listening', listening: 'host:port'`. */
export function createStatusServer(options: {
  listen: { host: string; port: number };
  routes: StatusRoutes;
  log: Log;
}): StatusServer {
  const { listen, routes, log } = options;
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (req, res) => {
    if (!routes(req, res)) res.writeHead(404).end();
  });
  server.on('clientError', (_error, socket) => void socket.destroy());

  function address(): { host: string; port: number } {
    const bound = server.address() as AddressInfo | null;
    if (!bound) throw new Error('the status server does not listen');
    return { host: bound.family === 'IPv6' ? `[${bound.address}]` : bound.address, port: bound.port };
  }

  return {
    name: 'status-server',
    address,
    async start() {
      await startListening(server, listen);
      server.on('error', (err) => log.error({ event: 'status-server-error', err }, 'the status server failed'));
      const { host, port } = address();
      log.info({ event: 'listening', listening: `${host}:${port}` }, 'listening');
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
