import { caDetailSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import type { RegistryApi } from '../registry-api.js';
import { caScreen } from './ca-show.js';
import { addStateCommand, type StateVerb } from './state-command.js';

async function look(api: RegistryApi, name: string): Promise<string> {
  const ca = await api.get(`/admin/v1/cas/${encodeURIComponent(name)}`, caDetailSchema);
  return caScreen({ ...ca, certificate_pem: null });
}

const caVerbs: readonly Omit<StateVerb, 'noun' | 'look'>[] = [
  {
    verb: 'disable',
    description: 'stop a CA from signing for subscribers, at once; out of retirement it takes two operators',
    warning: (name) =>
      `Subscriber certificates of ${name} end at once; OCSP signers and CRLs go on. Enabling it again takes two operators.`,
    stops: true,
    examples: [
      'demo-tls --reason "drill" --dry-run',
      'demo-tls --reason "key ceremony of 28 November" --wait',
      'demo-tls --reason "key ceremony of 28 November" --yes --wait --timeout 60 --json',
    ],
  },
  {
    verb: 'enable',
    description: 'let a disabled CA sign for subscribers again: takes two operators, each giving this command',
    warning: (name) => `${name} signs for subscribers again as soon as a second operator wants it, too.`,
    stops: false,
    examples: ['demo-tls --reason "drill is over"', 'demo-tls --reason "drill is over" --yes --wait'],
  },
  {
    verb: 'retire',
    description: 'begin the end of a disabled CA: OCSP signers and CRLs go on until its key is destroyed',
    warning: (name) => `${name} is to sign for subscribers no more. Taking that back takes two operators.`,
    stops: false,
    examples: ['demo-tls --reason "succeeded by demo-tls-2"', 'demo-tls --reason "plan 2026-11" --yes --wait'],
  },
];

export function addCaStates(group: Command, context: CommandContext): void {
  for (const verb of caVerbs) addStateCommand(group, context, { noun: 'ca', look, ...verb });
}
