import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const alertsFolder = `${root}infra/alerts`;

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}
export const readAlerts = (name: string) => parse(readFileSync(`${alertsFolder}/${name}`, 'utf8'));
/** Rules that record a figure are promtool's alone. */
export const rules = (readAlerts('sluice.rules.yaml').groups as { rules: (Rule | { record: string })[] }[])
  .flatMap((group) => group.rules)
  .filter((rule) => 'alert' in rule);
