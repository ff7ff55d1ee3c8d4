import { codes, type SluiceError } from '@sluice/errors';

/** What a script may rely on. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  unreachable: 5,
  notSettled: 6,
  proposed: 7,
  unknown: 8,
} as const;

export const exitCodesHelp = `
Exit codes:
  0  done
  1  failed; lint: the certificate breaks a rule; audit: an invariant is broken
  2  wrong usage: unknown option, missing argument, a value that cannot be read
  3  not found
  4  refused: the registry does not permit it, or it conflicts with what there is
  5  the registry cannot be reached, or does not accept this operator's key
  6  the change is made, and --wait ended before every subscriber had applied it
  7  nothing is changed yet: a second operator is needed
  8  no answer came: the change may have been made or not; look, and give the command again if it was not`;

const byStatus: Readonly<Record<number, number>> = {
  400: exitCodes.usage,
  401: exitCodes.unreachable,
  403: exitCodes.unreachable,
  404: exitCodes.notFound,
  409: exitCodes.refused,
  413: exitCodes.usage,
  415: exitCodes.usage,
  422: exitCodes.refused,
  429: exitCodes.unreachable,
  503: exitCodes.unreachable,
};

export function exitCodeOf(error: SluiceError): number {
  if (error.code === 'config-invalid') return exitCodes.usage;
  if (error.code === 'outcome-unknown') return exitCodes.unknown;
  return byStatus[codes[error.code].status] ?? exitCodes.failed;
}
