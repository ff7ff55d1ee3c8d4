import { checkProfile, diffProfiles, type ProfileChange, parseProfile } from '@sluice/pki';
import { profileViewSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { aboutFile } from './about-file.js';
import { readNamedFile } from './read-file.js';

/** As patches are read: what goes has a minus, what comes a plus. */
function changeLines({ pointer, before, after }: ProfileChange): string[] {
  return [
    ...(before === undefined ? [] : [`- ${pointer}: ${JSON.stringify(before)}`]),
    ...(after === undefined ? [] : [`+ ${pointer}: ${JSON.stringify(after)}`]),
  ];
}

function withKind(change: ProfileChange): object {
  const { before, after } = change;
  return { change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed', ...change };
}

export function addProfileDiff(group: Command, context: CommandContext): void {
  group
    .command('diff')
    .description('compare a document with the current revision of a profile, by members; changes nothing')
    .argument('<name>')
    .argument('<file>', 'profile document (YAML); - is standard input')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sluice profile diff tls-client tls-client.yaml\n  $ sluice profile diff tls-client tls-client.yaml --json',
    )
    .action(async (name: string, file: string, _options: object, command: Command) => {
      const text = await readNamedFile(file, context.terminal);
      const document = await aboutFile(file, () => parseProfile(text));
      const path = `/admin/v1/profiles/${encodeURIComponent(name)}`;
      const current = await context.api(command).get(path, profileViewSchema);
      // With its defaults, as the file has them: what a document leaves out is no change.
      const changes = diffProfiles(checkProfile(current.document), document);
      const { revision } = current;
      show(context, command, { name, revision, changes: changes.map(withKind) }, () =>
        changes.length === 0
          ? `${file} is revision ${revision} of ${name}.`
          : [`${name}, revision ${revision}, and ${file}:`, ...changes.flatMap(changeLines)].join('\n'),
      );
    });
}
