import { bulkActsSuite } from './bulk-acts-suite.js';

/** BULK_REQUESTS: how many are parked, and how many resubmitted. */
const count = Number(process.env.BULK_REQUESTS ?? 100_000);

bulkActsSuite({ parked: count, resubmitted: count, kills: 10, tell: (figure) => console.log(figure) });
