import { awaySuite } from './away-suite.js';

// Shorter than in away.soak.ts: each outage lasts until it was noticed, at least so long.
awaySuite({ awayMs: 500 });
