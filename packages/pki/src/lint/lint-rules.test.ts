import { describe, expect, it } from 'vitest';
import {
  bases,
  buildCase,
  contextOf,
  ecKey,
  ed25519Key,
  type LintCase,
  rsaKey,
  tbsOf,
} from './cases/base.test-support.js';
import * as d from './cases/der-writing.test-support.js';
import { criticalityCases, identifierCases, signerCases, usageCases } from './cases/extension-cases.test-support.js';
import { keyCases, signatureAlgorithms, signedBy } from './cases/key-cases.test-support.js';
import { derCases, memberCases } from './cases/member-cases.test-support.js';
import { nameCases, sanCases } from './cases/name-cases.test-support.js';
import {
  distributionCases,
  policyCases,
  revocationCases,
  soundConstraints,
} from './cases/policy-cases.test-support.js';
import { signedCases } from './cases/signed-cases.test-support.js';
import { lintFixed, lintTbs, lintVariable } from './lint.js';
import { lintRules } from './lint-rules.js';
import { everyKind } from './types.js';

const cases: readonly LintCase[] = [
  ...derCases,
  ...memberCases,
  ...nameCases,
  ...sanCases,
  ...keyCases,
  ...identifierCases,
  ...criticalityCases,
  ...usageCases,
  ...signerCases,
  ...policyCases,
  ...distributionCases,
  ...revocationCases,
];
const byName = new Map(lintRules.map((rule) => [rule.name, rule]));

describe('each rule is tripped by a certificate that breaks it, and by nothing else in it', () => {
  it.each(cases.map((one) => [`${one.rule}${one.what === undefined ? '' : `: ${one.what}`}`, one] as const))(
    '%s',
    (_title, one) => {
      const { tbs, context } = buildCase(one);
      const findings = lintTbs(tbs, context);
      expect(new Set(findings.map(({ rule }) => rule))).toEqual(new Set([one.rule, ...(one.besides ?? [])]));
      const finding = findings.find(({ rule }) => rule === one.rule);
      const rule = byName.get(one.rule);
      expect(finding).toMatchObject({ source: rule?.source, severity: rule?.severity });
      if (one.pointer !== undefined) expect(finding?.pointer).toBe(one.pointer);
      // What a request can break is seen before each signature; what a profile can break, when it is applied.
      const phase = rule?.phase === 'variable' ? lintVariable : lintFixed;
      expect(phase(tbs, context).map((found) => found.rule)).toContain(one.rule);
    },
  );
});

describe('the table of rules', () => {
  it('has a case for every rule', () => {
    const tripped = new Set([...cases, ...signedCases].map(({ rule }) => rule));
    expect(lintRules.map(({ name }) => name).filter((name) => !tripped.has(name))).toEqual([]);
  });

  it('names each rule once, and a section for each', () => {
    expect(byName.size).toBe(lintRules.length);
    for (const { name, source } of lintRules) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
      expect(source).toMatch(/^(RFC \d{4}|X\.6[89]0|BR|MRSP) [A-Z0-9]+(\.\d+)*$/);
    }
  });

  it('divides into the two phases', () => {
    const { tbs, context } = buildCase({ rule: 'any', change: () => ({ serial: d.int('80'), version: null }) });
    expect(lintVariable(tbs, context).map(({ rule }) => rule)).toEqual(['serial-positive']);
    expect(lintFixed(tbs, context).map(({ rule }) => rule)).toEqual(['version-v3']);
  });
});

describe('a right certificate has no finding', () => {
  const keys = { ec: ecKey(), rsa: rsaKey(), ed25519: ed25519Key() };
  it.each(everyKind.flatMap((kind) => Object.entries(keys).map(([name, key]) => [kind, name, key] as const)))(
    '%s with a key of %s',
    (kind, _name, key) => {
      const parts = bases[kind](key);
      expect(lintTbs(tbsOf(parts), contextOf(kind, parts))).toEqual([]);
      expect(lintTbs(tbsOf(parts), { kind })).toEqual([]);
    },
  );

  it.each(signatureAlgorithms)('signed by %s', (_what, signature, ca) => {
    const { tbs, context } = buildCase({ rule: 'none', change: () => ({ signature }), context: signedBy(ca) });
    expect(lintTbs(tbs, context)).toEqual([]);
  });

  it('that ends after 2049, in 9999, or has no subject but a critical subjectAltName', () => {
    const san = d.extension(d.ids.subjectAltName, d.seq(d.text(0x82, 'a.test')), true);
    for (const change of [
      { notAfter: d.generalizedTime('20500101000000Z') },
      { notAfter: d.generalizedTime('20500228235959Z'), notBefore: d.utcTime('240229000000Z') },
      { subject: d.name(), extensions: { subjectAltName: san } },
    ]) {
      const { tbs, context } = buildCase({ rule: 'none', change: () => change });
      const { signingTime: _, ...rest } = context;
      expect(lintTbs(tbs, rest)).toEqual([]);
    }
    const { tbs } = buildCase({ rule: 'none', change: () => ({ notAfter: d.generalizedTime('99991231235959Z') }) });
    expect(lintTbs(tbs, { kind: 'subscriber' })).toEqual([]);
  });

  it.each(soundConstraints.map((one) => [Buffer.from(one).toString('hex'), one] as const))(
    'of a CA with nameConstraints %s',
    (_hex, nameConstraints) => {
      const { tbs, context } = buildCase({
        rule: 'none',
        kind: 'subordinate-ca',
        change: () => ({ extensions: { nameConstraints } }),
      });
      expect(lintTbs(tbs, context)).toEqual([]);
    },
  );

  it('that lasts exactly as long as it may, its last second inside', () => {
    const { tbs, context } = buildCase({ rule: 'none', context: { validitySecondsMax: 365 * 86_400 } });
    expect(lintTbs(tbs, context)).toEqual([]);
  });
});
