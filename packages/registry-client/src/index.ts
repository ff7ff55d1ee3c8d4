export { type ClockWatch, createClockWatch } from './clock-watch.js';
export { createLease, type Lease, type LeaseHolder, type LeaseOptions } from './lease.js';
export {
  type CurrentSnapshot,
  createRegistryClient,
  type RegistryClient,
  type RegistryClientOptions,
} from './registry-client.js';
export { createReporter } from './reporter.js';
export type { Commit, Prepare } from './state-in-force.js';
