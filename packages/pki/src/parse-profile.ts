import { SluiceError } from '@sluice/errors';
import type { Document } from 'yaml';
import { isNode, LineCounter, parseDocument, visit } from 'yaml';
import { type ProfileFault, profileFaults } from './profile-faults.js';
import { profileSchema } from './profile-schema.js';
import type { ProfileDocument } from './types.js';

/** What `profile-invalid` tells, in `facts.findings`: an RFC 6901 pointer and, for YAML, where it stands. */
export interface ProfileFinding {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  readonly detail: string;
}

/** Characters of a profile document. */
const charactersMax = 65_536;

/**
 * Reads a profile document written in YAML 1.2 (one document, no aliases, no tags, no doubled keys). Every fault is
 * told at once, with line and column (from 1). Throws `profile-invalid`, facts `{findings: ProfileFinding[]}`.
 */
export function parseProfile(yamlText: string): ProfileDocument {
  if (yamlText.length > charactersMax)
    throw invalid([{ path: '', detail: `must have at most ${charactersMax} characters` }]);
  const lines = new LineCounter();
  const document = parseDocument(yamlText, {
    version: '1.2',
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
  });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const findings: ProfileFinding[] = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    path: '',
    ...place(pos[0]),
    detail: message,
  }));
  visit(document, {
    Alias: (_key, node) => {
      findings.push({ path: '', ...place(node.range?.[0] ?? 0), detail: 'aliases are not taken' });
    },
  });
  if (findings.length > 0) throw invalid(findings);
  const checked = check(document.toJS());
  if (Array.isArray(checked)) {
    throw invalid(
      checked.map((fault) => ({
        path: pointer(fault.path),
        ...place(offsetOf(document, fault.path)),
        detail: fault.detail,
      })),
    );
  }
  return checked;
}

/** Where a member stands in a document that `parseProfile` takes, or the nearest above it that does; from 1. */
export function placeInProfile(yamlText: string, path: readonly PropertyKey[]): { line: number; column: number } {
  const lines = new LineCounter();
  const document = parseDocument(yamlText, { version: '1.2', lineCounter: lines });
  const { line, col } = lines.linePos(offsetOf(document, path));
  return { line, column: col };
}

/** Checks a profile document that came as JSON (a snapshot, a row) and puts defaults in. Throws as `parseProfile`, without places. */
export function checkProfile(json: unknown): ProfileDocument {
  const checked = check(json);
  if (!Array.isArray(checked)) return checked;
  throw invalid(checked.map(({ path, detail }) => ({ path: pointer(path), detail })));
}

function check(json: unknown): ProfileDocument | ProfileFault[] {
  const parsed = profileSchema.safeParse(json);
  if (parsed.success) {
    const faults = profileFaults(parsed.data);
    return faults.length > 0 ? faults : parsed.data;
  }
  const faults = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key], detail: 'is not a member of a profile' }))
      : [{ path: issue.path, detail: issue.message }],
  );
  return [...faults, ...faultsBeside(json, new Set(faults.map(({ path }) => String(path[0] ?? ''))))];
}

/** What stands in for a member that has not its form, so that the others can be looked at; none of them is at odds with it. */
const standIns = {
  name: 'a',
  ca: 'a',
  validity_seconds: 1e9,
  subject: {},
  keys: ['ec-p256'],
  key_usage: ['nonRepudiation'],
};

/** What is wrong between the members that have their form, so that one fault does not hide the others. */
function faultsBeside(json: unknown, faulty: ReadonlySet<string>): ProfileFault[] {
  if (typeof json !== 'object' || json === null) return [];
  const sound = Object.fromEntries(Object.entries(json).filter(([member]) => !faulty.has(member)));
  // Nothing stands in for the purpose, on which everything depends.
  const parsed = profileSchema.safeParse({ ...standIns, ...sound });
  if (!parsed.success) return [];
  const document = faulty.has('keys') ? { ...parsed.data, keys: [] } : parsed.data;
  return profileFaults(document).filter(({ path }) => !faulty.has(String(path[0])));
}

/** Findings as compilers write them, one line each: `file:line:column: /pointer what is wrong`. */
export function profileFindingLines(file: string, findings: readonly ProfileFinding[]): string[] {
  return findings.map(({ path, line, column, detail }) => {
    const place = line === undefined ? file : `${file}:${line}:${column}`;
    return `${place}: ${path === '' ? 'the document' : path} ${detail}`;
  });
}

/** Offset of the node at a path, or of the nearest one above that exists. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range[0] ?? 0;
}

function pointer(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function invalid(findings: ProfileFinding[]): SluiceError {
  const [first] = findings;
  const place = first?.line === undefined ? '' : ` (line ${first.line}, column ${first.column})`;
  const rest = findings.length > 1 ? `; and ${findings.length - 1} more` : '';
  const where = first?.path === '' ? 'the document' : first?.path;
  return new SluiceError('profile-invalid', `${where}: ${first?.detail}${place}${rest}`, { facts: { findings } });
}
