export { createLogger, type Logger, type LoggerOptions, logLevels } from './logger.js';
export { createMetrics, type Metrics } from './metrics.js';
export { startListening } from './start-listening.js';
export { createStatusRoutes, type Readiness, type StatusRoutes } from './status-routes.js';
export { createStatusServer, type StatusServer } from './status-server.js';
