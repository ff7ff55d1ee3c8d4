import { everyKind, type LintRule } from './types.js';

type Options = Partial<Pick<LintRule, 'severity' | 'appliesTo'>>;

/** A rule about what profile and CA alone determine. An error for every kind of certificate unless told otherwise. */
export function fixedRule(
  name: string,
  source: string,
  pointer: string,
  check: LintRule['check'],
  options: Options = {},
): LintRule {
  return { name, source, phase: 'fixed', severity: 'error', appliesTo: everyKind, pointer, check, ...options };
}

/** A rule about what a request may change. An error for every kind of certificate unless told otherwise. */
export function variableRule(
  name: string,
  source: string,
  pointer: string,
  check: LintRule['check'],
  options: Options = {},
): LintRule {
  return { name, source, phase: 'variable', severity: 'error', appliesTo: everyKind, pointer, check, ...options };
}
