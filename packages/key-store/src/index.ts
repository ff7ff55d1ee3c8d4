export { createFileKeyStore, type FileKeyStoreOptions } from './file-key-store.js';
export * from './types.js';
