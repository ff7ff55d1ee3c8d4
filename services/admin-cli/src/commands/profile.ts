import { applyProfileAnswerSchema, profileListSchema, profileViewSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, globalOptions, show } from '../command-context.js';
import { card, table } from '../screens/table.js';
import { durationText, timeText } from '../screens/time.js';
import { warningLines } from '../screens/warning-lines.js';
import { aboutFile } from './about-file.js';
import { addProfileDiff } from './profile-diff.js';
import { addProfileStates } from './profile-states.js';
import { readNamedFile } from './read-file.js';

function addApply(group: Command, context: CommandContext): void {
  const { terminal } = context;
  group
    .command('apply')
    .description('make documents (YAML) the current revisions of their profiles; equal ones change nothing')
    .argument('<file...>', 'profile documents, applied in this order; - is standard input')
    .option('--dry-run', 'check everything, change nothing')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice profile apply infra/demo/profiles/*.yaml --dry-run
  $ sluice profile apply tls-client.yaml`,
    )
    .action(async (files: string[], options: { dryRun?: boolean }, command: Command) => {
      const api = context.api(command);
      const answers = [];
      for (const file of files) {
        const body = { document: await readNamedFile(file, terminal), dry_run: options.dryRun === true };
        const answer = await aboutFile(file, () => api.post('/admin/v1/profiles', body, applyProfileAnswerSchema));
        answers.push(answer);
        if (globalOptions(command).json === true) continue;
        const what = answer.unchanged
          ? 'unchanged, revision'
          : answer.dry_run
            ? 'would become revision'
            : 'is revision';
        terminal.out(`${answer.name} (${answer.ca}) ${what} ${answer.revision}`);
        for (const line of warningLines(file, answer.warnings)) terminal.err(line);
      }
      if (globalOptions(command).json === true) terminal.out(JSON.stringify(answers, null, 2));
    });
}

function addList(group: Command, context: CommandContext): void {
  group
    .command('ls')
    .description('list all profiles')
    .addHelpText('after', '\nExamples:\n  $ sluice profile ls\n  $ sluice profile ls --json')
    .action(async (_options: object, command: Command) => {
      const answer = await context.api(command).get('/admin/v1/profiles', profileListSchema);
      show(context, command, answer, () =>
        answer.profiles.length === 0
          ? 'There is no profile yet: sluice profile apply --help'
          : table(
              ['NAME', 'CA', 'PURPOSE', 'STATE', 'REVISION', 'VALIDITY'],
              answer.profiles.map(({ name, ca, purpose, state, revision, document }) => [
                name,
                ca,
                purpose,
                state,
                String(revision),
                durationText(Number(document.validity_seconds) * 1000),
              ]),
            ),
      );
    });
}

function addShow(group: Command, context: CommandContext): void {
  group
    .command('show')
    .description('show one profile and its current document')
    .argument('<name>')
    .addHelpText('after', '\nExamples:\n  $ sluice profile show tls-client')
    .action(async (name: string, _options: object, command: Command) => {
      const path = `/admin/v1/profiles/${encodeURIComponent(name)}`;
      const profile = await context.api(command).get(path, profileViewSchema);
      show(context, command, profile, () => {
        const { ca, purpose, state, revision, epoch, created_at, document } = profile;
        const facts = card([
          ['name', name],
          ['CA', ca],
          ['purpose', purpose],
          ['state', state],
          ['revision', String(revision)],
          ['changed at epoch', epoch],
          ['created', timeText(created_at)],
        ]);
        // JSON is YAML: this can be edited and applied again.
        return `${facts}\n\n${JSON.stringify(document, null, 2)}`;
      });
    });
}

export function addProfile(program: Command, context: CommandContext): void {
  const group = program.command('profile').description('what may be asked for, and what goes into a certificate');
  addApply(group, context);
  addList(group, context);
  addShow(group, context);
  addProfileDiff(group, context);
  addProfileStates(group, context);
}
