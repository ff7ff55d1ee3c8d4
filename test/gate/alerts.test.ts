import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { fetchDebianTool, type Tool } from '@sluice/local-stack';
import { expect, it } from 'vitest';
import { alertsFolder, readAlerts, root, rules } from './alert-rules.js';

const run = promisify(execFile);

interface Case {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

const cases = (readAlerts('sluice.rules.test.yaml').tests as { alert_rule_test: Case[] }[]).flatMap(
  (test) => test.alert_rule_test,
);

async function promtool(skip: (why: string) => never): Promise<Tool> {
  return fetchDebianTool(['prometheus'], 'promtool').catch((fault: Error) => skip(`no promtool: ${fault.message}`));
}

it('promtool finds the rules sound, and each alert as its cases say', { timeout: 180_000 }, async ({ skip }) => {
  const { path, env } = await promtool(skip);
  await run(path, ['check', 'rules', 'sluice.rules.yaml'], { cwd: alertsFolder, env });
  await run(path, ['test', 'rules', 'sluice.rules.test.yaml'], { cwd: alertsFolder, env });
});

it.each(rules)('$alert has a case in which it fires and one in which it keeps quiet', ({ alert }) => {
  const fires = cases.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length > 0);
  expect(new Set(fires)).toEqual(new Set([true, false]));
});

it.each(rules)('$alert says what, how bad, and which page', ({ labels, annotations }) => {
  expect(labels.severity).toMatch(/^(page|ticket)$/);
  expect(annotations.summary.length).toBeGreaterThan(20);
  expect(annotations.runbook).toMatch(/^runbooks\/[a-z-]+\.md$/);
  expect(existsSync(root + annotations.runbook)).toBe(true);
});

it('every page is some alert’s, or another page leads to it, and names the alerts that lead to it', () => {
  for (const page of readdirSync(`${root}runbooks`)) {
    const text = readFileSync(`${root}runbooks/${page}`, 'utf8');
    const leading = rules.filter(({ annotations }) => annotations.runbook === `runbooks/${page}`);
    const led = readdirSync(`${root}runbooks`).some(
      (other) => other !== page && readFileSync(`${root}runbooks/${other}`, 'utf8').includes(`](${page})`),
    );
    expect([page, leading.length > 0 || led]).toEqual([page, true]);
    for (const { alert } of leading) expect([page, text.includes(`\`${alert}\``)]).toEqual([page, true]);
  }
});
