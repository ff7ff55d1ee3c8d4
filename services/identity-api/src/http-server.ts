import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import type { Log, Part } from '@sluice/lifecycle';
import { type StatusRoutes, startListening } from '@sluice/telemetry';
import { isLast } from './write-answer.js';

/** Connections at once; each holds at most a body of 64 kB. */
const connectionsMax = 10_000;

export interface HttpTimeouts {
  /** From the first octet (of a new connection: from its beginning) to the end of the headers. */
  readonly headersMs: number;
  /** From there to the end of the body. */
  readonly requestMs: number;
  /** Without a single octet in either direction while a request is answered: nobody reads the answer any more. */
  readonly stalledMs: number;
  /** How often connections beyond those are looked for. */
  readonly checkMs: number;
}

const defaultTimeouts: HttpTimeouts = { headersMs: 10_000, requestMs: 30_000, stalledMs: 30_000, checkMs: 1000 };
/** Longer than the 60 s of usual load balancers, so that they, not we, close idle connections. */
const keepAliveMs = 65_000;
/**
 * Requests on one connection that are not answered yet; who sends more without reading is cut off. Node itself stops
 * reading only between two pieces of 64 kB, in which there is room for a thousand requests with large answers.
 */
const pipelinedMax = 16;
/** Octets of all headers of a request, its line included. */
const headersBytesMax = 16_384;

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
  /** Gets every connection that brought something else than a request; must end it. */
  readonly refuseUnreadable: (error: Error, socket: Duplex) => void;
  readonly log: Log;
  /** Shorter ones, for tests. */
  readonly timeouts?: Partial<HttpTimeouts> | undefined;
}

/**
 * The listening server. `stop` drains: no new connections, whatever waits is answered, what still comes on connections
 * kept alive gets 503 `draining` (by the app) and its connection closed; at the deadline the rest is cut off.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { listen, statusRoutes, app, refuseUnreadable, log } = options;
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  let draining = false;
  /** Connections on which no request has come yet: Node does not count them as idle. */
  const silent = new Set<Socket>();
  /** Requests of each connection that are being answered. */
  const unanswered = new WeakMap<Socket, number>();
  /** The last answer on each connection, perhaps not yet begun. */
  const answering = new WeakMap<Duplex, ServerResponse>();
  const serverOptions = {
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    connectionsCheckingInterval: timeouts.checkMs,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: headersBytesMax,
    // The app says it in our words.
    requireHostHeader: false,
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    silent.delete(socket);
    // What follows the last answer of a connection is not looked at (RFC 9112, 9.6): nobody would hear what became of it.
    const earlier = answering.get(socket);
    if (earlier !== undefined && isLast(earlier)) return;
    const pipelined = (unanswered.get(socket) ?? 0) + 1;
    if (socket.destroyed || pipelined > pipelinedMax) {
      socket.destroy();
      return;
    }
    unanswered.set(socket, pipelined);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    answering.set(socket, response);
    if (!statusRoutes(request, response)) app(request, response);
  };
  const server = createServer(serverOptions, listener);
  server.maxConnections = connectionsMax;
  // Longer than any wait. Node destroys them; while a connection is idle between requests, keepAliveTimeout counts.
  server.setTimeout(timeouts.stalledMs);
  // An expectation that we do not know is passed over (RFC 9110 10.1.1), rather than answered 417 by Node.
  server.on('checkExpectation', listener);
  server.on('clientError', (error, socket) => {
    // Where another answer is due or has begun, this one would be taken for it: the connection just ends.
    const earlier = answering.get(socket);
    const taken = earlier?.req.complete ? !earlier.writableFinished : earlier?.headersSent;
    if (taken) socket.destroy();
    else refuseUnreadable(error, socket);
  });
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
      await startListening(server, listen);
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
