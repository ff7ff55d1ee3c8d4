export { type ListenAddress, listenAddress } from './listen-address.js';
export { loadConfig } from './load-config.js';
export { secretFile } from './secret-file.js';
