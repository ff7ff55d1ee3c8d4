import type { ProfileWarning } from '@sluice/registry-protocol';

/** What the registry advises about a profile that it took, one line each, naming the file it came from. */
export function warningLines(file: string, warnings: readonly ProfileWarning[]): string[] {
  return warnings.map(({ rule, source, path, detail }) => `${file}: warning: ${path} ${detail} (${rule}, ${source})`);
}
