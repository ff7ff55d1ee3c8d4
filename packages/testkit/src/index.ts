export { type AdminClient, createAdminClient } from './admin-client.js';
export { type AuditOptions, type AuditReport, auditHistory, type Violation } from './audit-history.js';
export { type CsrKeyKind, type MadeCsr, makeCsr } from './csr.js';
export {
  createDescriptionChecker,
  type DescriptionChecker,
  type Document,
  type Exchange,
} from './description-checker.js';
export { armFreeze, armKill, disarm, frozenBy, killAt } from './kill-point.js';
export type { Member } from './member.js';
export { readOrderFile } from './order-file.js';
export { type Verdict, verifyWithCerttool, verifyWithOpenssl } from './outside-verifiers.js';
export { createPacedKeyStore } from './paced-key-store.js';
export { type Pacer, startPacer } from './pacer.js';
export { patient } from './patient.js';
export { type GivenNonce, provePossession, takeNonce } from './prove-possession.js';
export {
  type Answer,
  createRecordingClient,
  type PostOptions,
  plainSerial,
  type RecordingClient,
} from './recording-client.js';
export { sharedPostgres } from './shared-postgres.js';
export { shiftClock } from './shift-clock.js';
export { mountSmallVolume, type SmallVolume, whyNoSmallVolume } from './small-volume.js';
export { type System, type SystemOptions, startSystem } from './system.js';
export { type Alter, createTcpProxy, type TcpProxy } from './tcp-proxy.js';
export { makeMoreCas, makeTestHierarchy, testProfiles } from './test-hierarchy.js';
export { createVerbWire, type VerbFailure, type VerbOrder, type VerbWire, verbFailures } from './verb-wire.js';
export { createWitnessKeyStore, readWitness, type WitnessEntry } from './witness-key-store.js';
