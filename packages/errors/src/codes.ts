import { endingCodes } from './codes/ending-codes.js';
import { insideCodes } from './codes/inside-codes.js';
import { registryCodes } from './codes/registry-codes.js';
import { requestCodes } from './codes/request-codes.js';

/**
 * The closed set of codes, the only registry of them. A code is stable: it stands in HTTP problems, outcomes in the
 * ledger, logs, metrics and the CLI, and the front end has a page for it at `/problems/<code>`.
 */
export const codes = { ...requestCodes, ...registryCodes, ...endingCodes, ...insideCodes } as const;

export type Code = keyof typeof codes;

/** The same, in the groups in which people read them. */
export const codeGroups: readonly { readonly title: string; readonly codes: readonly Code[] }[] = [
  { title: 'What was sent', codes: codesOf(requestCodes) },
  { title: 'What the registry does not permit', codes: codesOf(registryCodes) },
  { title: 'How a wait ends', codes: codesOf(endingCodes) },
  { title: 'Inside', codes: codesOf(insideCodes) },
];

export function isCode(text: string): text is Code {
  return Object.hasOwn(codes, text);
}

function codesOf(group: Partial<Record<Code, unknown>>): readonly Code[] {
  return Object.keys(group).filter(isCode);
}
