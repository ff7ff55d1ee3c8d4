import { bulkActsSuite } from './bulk-acts-suite.js';

bulkActsSuite({ parked: 1200, resubmitted: 600, kills: 1, tell: () => undefined });
