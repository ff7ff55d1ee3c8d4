import { codes, type SluiceError } from '@sluice/errors';
import type { Colors } from 'picocolors/types.js';
import { z } from 'zod';

const findingsSchema = z.array(z.object({ pointer: z.string(), detail: z.string() }));

/** What happened, to what, and what to do next. */
export function errorScreen(error: SluiceError, colors: Colors): string {
  const { facts, message, code } = error;
  const findings = findingsSchema.safeParse(facts.findings);
  const several = findings.data !== undefined && findings.data.length > 1 ? findings.data : [];
  const whatToDo = typeof facts.what_to_do === 'string' ? facts.what_to_do : codes[code].whatToDo;
  return [
    `${colors.red('sluice:')} ${message} ${colors.dim(`(${code})`)}`,
    ...several.map(({ pointer, detail }) => `  ${pointer}: ${detail}`),
    `  ${whatToDo}`,
    ...(typeof facts.request_id === 'string' ? [colors.dim(`  request id ${facts.request_id}, for the log`)] : []),
  ].join('\n');
}

/** The same for programs. */
export function errorJson(error: SluiceError): string {
  const { code, message, facts } = error;
  const { title, whatToDo } = codes[code];
  return JSON.stringify({ error: { title, what_to_do: whatToDo, ...facts, code, detail: message } }, null, 2);
}
