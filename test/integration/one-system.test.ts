import { describe } from 'vitest';
import './one-system.js';

// Tests of real processes that need none of their own: one file after the other, on one system.

const part = (name: string, load: () => Promise<unknown>) =>
  describe(name, async () => {
    await load();
  });

part('the first certificate', () => import('./first-certificate.js'));
part('keys without a CSR, and ends of the validity', () => import('./keys-and-validity.js'));
part('idempotency', () => import('./idempotency.js'));
part('the client', () => import('./client.js'));
part('a profile that is revised', () => import('./revised-profile.js'));
part('what should not come in', () => import('./bad-inputs.js'));
part('the queue’s runbooks', () => import('./queue-runbooks.js'));
part('the metrics in alerts', () => import('./alert-metrics.js'));
// Last: it takes things away.
part('the description of the API', () => import('./api-description.js'));
