export { createDatabase, ensureDatabase } from './database.js';
export { fetchDebianTool, type Tool } from './debian-tool.js';
export { type OwnPostgres, type PostgresOptions, removePostgres, startPostgres } from './postgres.js';
export { type EvictionPolicy, type OwnRedis, type RedisOptions, startRedis } from './redis.js';
export { requirePostgres, requireRedis } from './server-requirements.js';
export { type Servers, type ServersOptions, startServers } from './servers.js';
export { type ServiceExit, type ServiceOptions, type ServiceProcess, spawnService } from './service-process.js';
