import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers, stdTimeFunctions } from 'pino';

export type Logger = PinoLogger;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export interface LoggerOptions {
  /** Which program: `signer`. */
  readonly service: string;
  /** Which process: `signer-1`. */
  readonly name: string;
  readonly level: (typeof logLevels)[number];
}

/** Never in a log, however deep (to four levels) the facts are nested. A CSR is not secret, but it is somebody's data. */
const secretNames = ['authorization', 'Authorization', 'api_key', 'apiKey', 'password', 'passphrase', 'csr'];
const redactedPaths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

/**
 * A pino logger: one JSON line per event to standard output, levels as words, ISO 8601 times in UTC. An error goes in
 * as `err`: with its code, facts and causes. Values of secret names are replaced by `[redacted]`.
 */
export function createLogger(options: LoggerOptions, destination?: DestinationStream): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service, name: options.name, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redactedPaths, censor: '[redacted]' },
    serializers: { err: stdSerializers.errWithCause, error: stdSerializers.errWithCause },
  };
  return destination ? pino(settings, destination) : pino(settings);
}
