import { defineConfig } from 'vitest/config';
import base, { root } from './vitest.config.js';

const { projects: _, ...common } = base.test ?? {};

/** The same functions as `npm test` at full times: `npm run test:soak`. One file after the other. */
export default defineConfig({
  root,
  test: {
    ...common,
    include: ['test/**/*.soak.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
