import { defineConfig } from 'vitest/config';
import LongestFirst from './gate/longest-first.mjs';

const root = new URL('..', import.meta.url).pathname;

export default defineConfig({
  root,
  test: {
    include: ['packages/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Torn down in reverse order.
    globalSetup: [`${root}infra/gate/leaked-processes.mjs`, `${root}infra/gate/shared-servers.mjs`],
    reporters: ['default', `${root}infra/gate/closing-line.mjs`],
  },
});
