import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { roleName, type ServiceName, serviceNames } from '@sluice/ledger';
import { createSplitter, errorResponse, loginOf, statementOf, typeOf } from './postgres-messages.js';

/**
 * What becomes of one call of a verb. `refused`: not stored, and the server says so (its disk is full). `never-arrived`:
 * not stored, and nobody says so. `answer-lost`: stored, and nobody says so.
 */
export const verbFailures = ['refused', 'never-arrived', 'answer-lost'] as const;
export type VerbFailure = (typeof verbFailures)[number];

export interface VerbOrder {
  readonly service: ServiceName;
  /** The name of its prepared statement, which is that of its function. */
  readonly verb: string;
  readonly failure: VerbFailure;
}

/** A wire to PostgreSQL that knows the verbs of the ledger: single calls can be made to fail on it. */
export interface VerbWire {
  readonly port: number;
  /** The next call of that verb by a process of that service fails so. Resolves when it has. */
  strike(order: VerbOrder): Promise<void>;
  /** The verbs that processes of this service have called so far. */
  seen(service: ServiceName): ReadonlySet<string>;
  /** Takes back what has struck nobody yet. */
  calm(): void;
  close(): Promise<void>;
}

interface Strike extends VerbOrder {
  readonly had: () => void;
}

const diskFull = errorResponse('53100', 'could not extend file: No space left on device');

export async function createVerbWire(options: {
  readonly target: { readonly host: string; readonly port: number };
}): Promise<VerbWire> {
  const sockets = new Set<Socket>();
  let strikes: Strike[] = [];
  const seen = new Map(serviceNames.map((service) => [service, new Set<string>()]));
  const serviceOf = (role: string) => serviceNames.find((service) => role.endsWith(roleName('', service)));

  const server = createServer((client) => {
    const postgres = connect(options.target);
    for (const socket of [client, postgres]) {
      socket.setNoDelay(true);
      sockets.add(socket);
    }
    carry(client, postgres, {
      take(role, verb) {
        const service = serviceOf(role);
        if (service !== undefined) seen.get(service)?.add(verb);
        const found = strikes.find((order) => order.verb === verb && order.service === service);
        strikes = strikes.filter((order) => order !== found);
        return found;
      },
      giveBack: (strike) => void strikes.push(strike),
    });
    for (const [socket, other] of [
      [client, postgres],
      [postgres, client],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        other.destroySoon();
        sockets.delete(socket);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    strike: (order) => new Promise((had) => strikes.push({ ...order, had })),
    seen: (service) => seen.get(service) ?? new Set(),
    calm() {
      strikes = [];
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** One connection: an extended query is kept until its Sync, and then goes, or fails as the strike says. */
function carry(
  client: Socket,
  postgres: Socket,
  strikes: { take(role: string, verb: string): Strike | undefined; giveBack(strike: Strike): void },
): void {
  let role: string | undefined;
  let question: Buffer[] = [];
  let answer: Buffer[] = [];
  let struck: Strike | undefined;

  function reset(): void {
    client.resetAndDestroy();
    postgres.resetAndDestroy();
  }
  function ask(): void {
    const whole = question;
    question = [];
    struck = strikes.take(role ?? '', statementOf(whole));
    if (struck?.failure === 'never-arrived') {
      struck.had();
      struck = undefined;
      reset();
      return;
    }
    const sent = struck?.failure === 'refused' ? whole.filter((message) => 'PS'.includes(typeOf(message))) : whole;
    postgres.write(Buffer.concat(sent));
  }
  /** The server is ready for more: what it was asked is committed, or refused. */
  function answered(strike: Strike, ready: Buffer): void {
    struck = undefined;
    const whole = answer;
    answer = [];
    const failed = whole.some((message) => typeOf(message) === 'E');
    if (failed) strikes.giveBack(strike);
    else strike.had();
    if (strike.failure === 'answer-lost' && !failed) reset();
    else client.write(Buffer.concat([...whole, ...(strike.failure === 'refused' ? [diskFull] : []), ready]));
  }

  const fromClient = createSplitter('with login');
  client.on('data', (chunk) => {
    for (const message of fromClient(chunk)) {
      const type = role === undefined ? '' : typeOf(message);
      role ??= loginOf(message);
      if ('PBDECHS'.includes(type) && type !== '') question.push(message);
      else postgres.write(message);
      if (type === 'S') ask();
    }
  });
  const fromPostgres = createSplitter();
  postgres.on('data', (chunk) => {
    for (const message of fromPostgres(chunk)) {
      if (struck === undefined) client.write(message);
      else if (typeOf(message) === 'Z') answered(struck, message);
      else answer.push(message);
    }
  });
  client.on('close', () => {
    if (struck !== undefined) strikes.giveBack(struck); // its process died of something else
    struck = undefined;
  });
}
