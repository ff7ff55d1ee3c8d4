import { bulkActsSuite } from './bulk-acts-suite.js';

bulkActsSuite({ parked: 5000, resubmitted: 2000, kills: 1, tell: () => undefined });
