import { mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** The same functions as `npm test` at full times: `npm run test:soak`. One file after the other. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  { test: { include: ['test/**/*.soak.ts'], testTimeout: 3_600_000, hookTimeout: 300_000, fileParallelism: false } },
);
