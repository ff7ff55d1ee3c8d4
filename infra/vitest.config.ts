import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import LongestFirst from './gate/longest-first.mjs';

export const root = new URL('..', import.meta.url).pathname;

const project = (test: NonNullable<TestProjectInlineConfiguration['test']>): TestProjectInlineConfiguration => ({
  root,
  test: { exclude: ['**/node_modules/**', '**/dist/**'], testTimeout: 60_000, hookTimeout: 180_000, ...test },
});

export default defineConfig({
  root,
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Torn down in reverse order.
    globalSetup: ['leaked-processes', 'shared-servers', 'bundled-processes'].map(
      (name) => `${root}infra/gate/${name}.mjs`,
    ),
    reporters: ['default', `${root}infra/gate/closing-line.mjs`],
    projects: [
      project({ name: 'system', include: ['test/**/*.test.ts'] }),
      // Many and short: most of their time would go into loading the same modules again for each file.
      project({
        name: 'unit',
        include: ['packages/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts'],
        isolate: false,
      }),
    ],
  },
});
