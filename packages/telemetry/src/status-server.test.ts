import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMetrics } from './metrics.js';
import { createStatusRoutes, type Readiness } from './status-routes.js';
import { createStatusServer, type StatusServer } from './status-server.js';

const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
let server: StatusServer | undefined;
afterEach(() => server?.stop(100));

async function serving(ready: () => Promise<Readiness>) {
  const metrics = createMetrics('signer');
  metrics.counter('signatures_total', 'Signatures made', ['ca']).inc({ ca: 'demo' });
  metrics.gauge('open', 'Open work', [], (gauge) => gauge.set(7));
  server = createStatusServer({
    listen: { host: '127.0.0.1', port: 0 },
    routes: createStatusRoutes({ metrics, ready }),
    log,
  });
  await server.start();
  const { host, port } = server.address();
  return (path: string, init?: RequestInit) => fetch(`http://${host}:${port}${path}`, init);
}

describe('status server', () => {
  it('says where it listens, answers health and metrics, and knows nothing else', async () => {
    const get = await serving(async () => ({ ready: true, checks: {} }));
    expect(log.info).toHaveBeenCalledWith(
      expect.objectContaining({ event: 'listening', listening: expect.stringMatching(/^127\.0\.0\.1:\d+$/) }),
      'listening',
    );
    expect((await get('/healthz')).status).toBe(200);
    const text = await (await get('/metrics')).text();
    expect(text).toContain('sluice_signatures_total{ca="demo",service="signer"} 1');
    expect(text).toContain('sluice_open{service="signer"} 7');
    expect((await get('/else')).status).toBe(404);
    expect((await get('/healthz', { method: 'POST' })).status).toBe(405);
  });

  it.each([
    ['ready', 200, async () => ({ ready: true, checks: { ledger: 'ok' } }), { ledger: 'ok' }],
    ['not ready', 503, async () => ({ ready: false, checks: { ledger: 'away' } }), { ledger: 'away' }],
    ['a check that throws', 503, () => Promise.reject(new Error('boom')), { all: 'boom' }],
  ])('/readyz: %s', async (_name, status, ready, checks) => {
    const get = await serving(ready);
    const answer = await get('/readyz?verbose');
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ checks });
  });
});
