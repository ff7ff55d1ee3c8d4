import { type RequestClass, requestClasses } from '@sluice/issuance';
import type { QueueFilterBody } from '@sluice/registry-protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';

const unitS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `90s`, `10m`, `1h`, `2d`, in seconds. */
export function durationS(text: string): number {
  const [, count, unit] = /^(\d{1,6})(s|m|h|d)$/.exec(text) ?? [];
  const seconds = Number(count) * unitS[unit as keyof typeof unitS];
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('Give a time like 90s, 10m, 1h or 2d.');
}

/** `1/3` or `0.25`: above 0, at most 1. */
export function fraction(text: string): number {
  const [, over, under] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const value = over === undefined ? Number(text) : Number(over) / Number(under);
  if (text.trim() !== '' && value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('Give a fraction above 0 and at most 1, like 1/3 or 0.25.');
}

/** `500/s` or `500`: whole requests a second. */
export function ratePerS(text: string): number {
  const [, count] = /^(\d{1,5})(?:\/s)?$/.exec(text) ?? [];
  const rate = Number(count);
  if (rate >= 1 && rate <= 10_000) return rate;
  throw new InvalidArgumentError('Give 1 to 10000 requests a second, like 500/s.');
}

export interface FilterOptions {
  readonly ca?: string;
  readonly profile?: string;
  readonly account?: string;
  readonly class?: RequestClass;
  readonly keyGroup?: string;
  readonly fraction?: number;
  readonly olderThan?: number;
  readonly all?: boolean;
}

/** Which requests, alike for all commands that are about many of them. */
export function addFilterOptions(command: Command): Command {
  return command
    .option('--ca <name>', 'of this CA')
    .option('--profile <name>', 'of this profile')
    .option('--account <name>', 'of this account')
    .addOption(new Option('--class <class>', 'of this class').choices(requestClasses))
    .option('--key-group <name>', 'of this key group')
    .option('--fraction <part>', 'that part of them, always the same: 1/3 is within 2/3', fraction)
    .option('--older-than <time>', 'that arrived at least so long ago: 90s, 10m, 1h, 2d', durationS)
    .option('--all', 'everything, when nothing else is named');
}

export function filterBody(options: FilterOptions): QueueFilterBody {
  const { ca, profile, account, class: requestClass, keyGroup, fraction: part, olderThan } = options;
  // As JSON, what is undefined is not there.
  return { ca, profile, account, class: requestClass, key_group: keyGroup, fraction: part, older_than_s: olderThan };
}

/** As an operator would say it. */
export function filterText(filter: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(filter)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => {
      if (name === 'fraction' && typeof value === 'number') return `${Math.round(value * 1000) / 10} % of them`;
      if (name === 'older_than_s') return `older than ${String(value)} s`;
      return `${name.replaceAll('_', ' ')} ${Array.isArray(value) ? value.join(' or ') : String(value)}`;
    });
  return parts.length === 0 ? 'everything' : parts.join(', ');
}
