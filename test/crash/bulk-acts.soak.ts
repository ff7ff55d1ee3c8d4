import { bulkActsSuite } from './bulk-acts-suite.js';

bulkActsSuite({ parked: 100_000, resubmitted: 100_000, kills: 10 });
