import { describe } from 'vitest';
import { awaySuite } from './away-suite.js';

describe.each([30_000, 60_000])('away for %i ms', (awayMs) => awaySuite({ awayMs }));
