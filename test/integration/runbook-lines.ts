import { expect } from 'vitest';
import { wordsOf } from './runbook-page.js';
import type { Operator, Said } from './sluice-command.js';

/** Runs a line as a shell would, with `names` in place of the page's words; fails when it does not end as it should. */
export async function doLine(
  operator: Operator,
  line: string,
  names: Readonly<Record<string, string>> = {},
  exitCode = 0,
): Promise<Said> {
  const said = await operator.sluice(...wordsOf(line, names));
  expect(said, `${line}\n${said.err}`).toMatchObject({ exitCode });
  return said;
}
