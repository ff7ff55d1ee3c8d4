import { codes, type SluiceError } from '@sluice/errors';
import type { Colors } from 'picocolors/types.js';
import { z } from 'zod';

const findingsSchema = z.array(z.object({ pointer: z.string(), detail: z.string() }));

/** A finding in a profile document, as the registry or the parser here tells it. */
const inFileSchema = z.array(
  z.object({
    path: z.string(),
    detail: z.string(),
    line: z.int().optional(),
    column: z.int().optional(),
    rule: z.string().optional(),
    source: z.string().optional(),
  }),
);

/** As compilers write them, so that editors find the place: `file:line:column: what is wrong`. */
function linesInFile({ file, findings }: SluiceError['facts']): string[] {
  const found = inFileSchema.safeParse(findings);
  if (typeof file !== 'string' || found.data === undefined) return [];
  return found.data.map(({ path, detail, line, column, rule, source }) => {
    const place = line === undefined ? file : `${file}:${line}:${column}`;
    // The registry says path and place within its sentence.
    const said = detail.replace(/ \(line \d+, column \d+\)$/, '');
    const what = said.startsWith(path === '' ? '/' : path) ? said : `${path || 'the document'} ${said}`;
    return `  ${place}: ${what}${rule === undefined ? '' : ` (${rule}, ${source})`}`;
  });
}

/** What happened, to what, and what to do next. */
export function errorScreen(error: SluiceError, colors: Colors): string {
  const { facts, message, code } = error;
  const findings = findingsSchema.safeParse(facts.findings);
  const several = findings.data !== undefined && findings.data.length > 1 ? findings.data : [];
  const inFile = linesInFile(facts);
  const whatToDo = typeof facts.what_to_do === 'string' ? facts.what_to_do : codes[code].whatToDo;
  return [
    `${colors.red('sluice:')} ${message} ${colors.dim(`(${code})`)}`,
    ...(inFile.length > 0 ? inFile : several.map(({ pointer, detail }) => `  ${pointer}: ${detail}`)),
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
