import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Metrics } from './metrics.js';

/** May this process be given work? `checks` says of each thing it needs `ok` or, in words, what is wrong. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

/** `true`: the request was one of these and is (or will be) answered. `false`: somebody else's, untouched. */
export type StatusRoutes = (req: IncomingMessage, res: ServerResponse) => boolean;

const readyWaitMs = 2000;

/**
 * `/healthz`: 200 while the event loop turns. `/readyz`: 200 or 503 with the checks; a check that throws or takes longer
 * than 2 s is not ready. `/metrics`: Prometheus text.
 */
export function createStatusRoutes(options: { metrics: Metrics; ready: () => Promise<Readiness> }): StatusRoutes {
  const { registry } = options.metrics;
  const answers: Record<string, (res: ServerResponse) => Promise<void>> = {
    '/healthz': async (res) => sendJson(res, 200, { status: 'ok' }),
    '/readyz': async (res) => {
      const readiness = await readinessInTime(options.ready);
      sendJson(res, readiness.ready ? 200 : 503, readiness);
    },
    '/metrics': async (res) => send(res, 200, registry.contentType, await registry.metrics()),
  };
  return (req, res) => {
    const answer = answers[(req.url ?? '').split('?', 1)[0] ?? ''];
    if (!answer) return false;
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('allow', 'GET, HEAD');
      sendJson(res, 405, { status: 'method not allowed' });
    } else {
      answer(res).catch((err: unknown) => {
        if (res.headersSent) res.destroy();
        else sendJson(res, 500, { status: err instanceof Error ? err.message : 'failed' });
      });
    }
    return true;
  };
}

async function readinessInTime(ready: () => Promise<Readiness>): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Readiness>((resolve) => {
    const readiness = { ready: false, checks: { all: `no answer within ${readyWaitMs} ms` } };
    timer = setTimeout(() => resolve(readiness), readyWaitMs);
  });
  try {
    return await Promise.race([ready(), late]);
  } catch (err) {
    return { ready: false, checks: { all: err instanceof Error ? err.message : 'failed' } };
  } finally {
    clearTimeout(timer);
  }
}

function sendJson(res: ServerResponse, status: number, body: object): void {
  send(res, status, 'application/json', `${JSON.stringify(body)}\n`);
}

function send(res: ServerResponse, status: number, contentType: string, body: string): void {
  res.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  res.end(body);
}
