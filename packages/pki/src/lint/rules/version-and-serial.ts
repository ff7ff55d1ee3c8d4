import { fixedRule, variableRule } from '../rule.js';
import type { LintRule } from '../types.js';

/** Octets of the number; RFC 5280 4.1.2.2. */
const octetsMax = 20;
/** 64 random bits, and a positive number: what is shorter cannot hold them (MRSP 5.2). */
const octetsMin = 9;

export const versionAndSerialRules: readonly LintRule[] = [
  fixedRule('version-v3', 'RFC 5280 4.1.2.1', 'version', ({ der, members: { version } }, _context, report) => {
    const number = version && der.children(version)[0];
    if (number?.tag !== 2 || number.end !== version?.end || der.smallInteger(number) !== 2) {
      report('must be v3, the INTEGER 2');
    }
  }),
  fixedRule('unique-ids-absent', 'RFC 5280 4.1.2.8', 'tbsCertificate', ({ members }, _context, report) => {
    if (members.uniqueIds.length > 0) report('must hold no issuerUniqueID and no subjectUniqueID');
  }),
  variableRule('serial-positive', 'RFC 5280 4.1.2.2', 'serialNumber', ({ der, members: { serial } }, _c, report) => {
    const first = der.bytes[serial.content] ?? 0;
    if (first > 0x7f) report('must be positive: its first bit is set');
    else if (first === 0 && serial.end - serial.content < 2) report('must be positive, not zero');
  }),
  variableRule('serial-octets-max', 'RFC 5280 4.1.2.2', 'serialNumber', ({ members: { serial } }, _c, report) => {
    if (serial.end - serial.content > octetsMax) report(`must have at most ${octetsMax} octets`);
  }),
  variableRule('serial-random-bits', 'MRSP 5.2', 'serialNumber', ({ members: { serial } }, _context, report) => {
    const octets = serial.end - serial.content;
    // Zero and an empty one are other rules'.
    if (octets > 1 && octets < octetsMin) report(`must have at least ${octetsMin} octets, to hold 64 random bits`);
  }),
  // A source of randomness that has died gives one octet over and over: by chance once in 2^56.
  variableRule(
    'serial-not-constant',
    'MRSP 5.2',
    'serialNumber',
    ({ der, members: { serial } }, _context, report) => {
      if (serial.end - serial.content < octetsMin) return;
      const last = der.bytes[serial.end - 1];
      for (let at = serial.end - 8; at < serial.end; at += 1) {
        if (der.bytes[at] !== last) return;
      }
      report('ends in eight equal octets: not random');
    },
    { severity: 'warning' },
  ),
];
