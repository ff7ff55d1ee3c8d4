import { describe } from 'vitest';
import './one-incident.js';

// The incident in small, on one system. At full size, and with times: the files of these names that end in .soak.ts.

describe('dead CAs', async () => {
  await import('./dead-cas-in-small.js');
});
describe('a CA that is disabled under load', async () => {
  await import('./disable-under-load-in-small.js');
});
