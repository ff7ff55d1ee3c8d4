export { confirmMissing, type TokenSession } from './confirm-missing.js';
export { createFileKeyStore, type FileKeyStoreOptions } from './file-key-store.js';
export * from './pkcs11-faults.js';
export * from './types.js';
