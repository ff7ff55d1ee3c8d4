export { type AuditOptions, type AuditReport, auditHistory, type Violation } from './audit-history.js';
export { type CsrKeyKind, type MadeCsr, makeCsr } from './csr.js';
export { armKill, disarmKill, killAt } from './kill-point.js';
export { type Verdict, verifyWithCerttool, verifyWithOpenssl } from './outside-verifiers.js';
export { createPacedKeyStore } from './paced-key-store.js';
export { type Pacer, startPacer } from './pacer.js';
export {
  type Answer,
  createRecordingClient,
  type PostOptions,
  plainSerial,
  type RecordingClient,
} from './recording-client.js';
export { createTcpProxy, type TcpProxy } from './tcp-proxy.js';
export { createWitnessKeyStore, readWitness, type WitnessEntry } from './witness-key-store.js';
