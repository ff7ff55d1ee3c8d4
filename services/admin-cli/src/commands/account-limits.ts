import { SluiceError } from '@sluice/errors';
import { accountLimitMax, defaultLimits } from '@sluice/issuance';
import { type AccountLimitsBody, setLimitsAnswerSchema } from '@sluice/registry-protocol';
import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../command-context.js';
import { addWaitOptions, followChange, type WaitOptions } from './follow-change.js';

type Limit = number | 'default';

/** As the options give them. */
export interface LimitOptions {
  readonly rate?: Limit;
  readonly burst?: Limit;
  readonly joins?: Limit;
  readonly perDay?: Limit;
}

function limitUpTo(max: number, orDefault: boolean): (text: string) => Limit {
  return (text) => {
    if (orDefault && text === 'default') return text;
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw new InvalidArgumentError(`Give a whole number from 1 to ${max}${orDefault ? ', or default' : ''}.`);
  };
}

/** `orDefault`: there may be something set that is to be taken back. */
export function addLimitOptions(command: Command, { orDefault }: { orDefault: boolean }): Command {
  const { ratePerSecond, burst, joinsPerSecond } = defaultLimits;
  const { ratePerSecond: rateMax, burst: burstMax, joinsPerSecond: joinsMax, ordersPerDay: dayMax } = accountLimitMax;
  return command
    .option('--rate <n>', `new orders a second (by default ${ratePerSecond})`, limitUpTo(rateMax, orDefault))
    .option('--burst <n>', `new orders at once (by default ${burst})`, limitUpTo(burstMax, orDefault))
    .option(
      '--joins <n>',
      `joins a second that are free, and looks at requests a second (by default ${joinsPerSecond})`,
      limitUpTo(joinsMax, orDefault),
    )
    .option('--per-day <n>', 'new orders in 24 hours (by default any number)', limitUpTo(dayMax, orDefault));
}

/** What the options name, as the admin API takes it: null is the default. */
export function limitsOf({ rate, burst, joins, perDay }: LimitOptions): Readonly<Record<string, number | null>> {
  const named = { rate_per_second: rate, burst, joins_per_second: joins, orders_per_day: perDay };
  const limits: Record<string, number | null> = {};
  for (const [name, limit] of Object.entries(named)) {
    if (limit !== undefined) limits[name] = limit === 'default' ? null : limit;
  }
  return limits;
}

/** Name and value of each limit in force, for people. */
export function limitLines(limits: AccountLimitsBody): readonly (readonly [string, string])[] {
  const line = (name: string, set: number | undefined, otherwise: string) =>
    [name, set === undefined ? `${otherwise} (default)` : String(set)] as const;
  return [
    line('orders a second', limits.rate_per_second, String(defaultLimits.ratePerSecond)),
    line('orders at once', limits.burst, String(defaultLimits.burst)),
    line('joins a second', limits.joins_per_second, String(defaultLimits.joinsPerSecond)),
    line('orders in 24 hours', limits.orders_per_day, 'any number'),
  ];
}

/** `sluice account limits`: what an account may ask for. */
export function addAccountLimits(group: Command, context: CommandContext): void {
  const command = group
    .command('limits')
    .description('set what an account may ask for; what is not named stays as it is')
    .argument('<name>')
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--dry-run', 'check everything, change nothing');
  addWaitOptions(addLimitOptions(command, { orDefault: true }))
    .addHelpText(
      'after',
      `
Beyond its limits an account gets 429 with Retry-After, and nothing is stored. sluice account show tells those in force.

Examples:
  $ sluice account limits acme --rate 50 --burst 500 --reason "ticket 4711" --wait
  $ sluice account limits acme --per-day 100000 --reason "contract"
  $ sluice account limits acme --rate default --burst default --reason "incident is over"`,
    )
    .action(async (name: string, options: LimitOptions & LimitsOptions, called: Command) => {
      const limits = limitsOf(options);
      if (Object.keys(limits).length === 0) {
        throw new SluiceError('config-invalid', 'Name a limit: --rate, --burst, --joins or --per-day', {
          facts: { what_to_do: 'See sluice account limits --help.' },
        });
      }
      const beganAtMs = context.terminal.now().getTime();
      const path = `/admin/v1/accounts/${encodeURIComponent(name)}/limits`;
      const body = { limits, reason: options.reason, dry_run: options.dryRun === true };
      const answer = await context.api(called).post(path, body, setLimitsAnswerSchema);
      const answeredAfterMs = context.terminal.now().getTime() - beganAtMs;
      const said = limitLines(answer.limits).map((line) => line.join(': '));
      const screen = (): string =>
        answer.dry_run
          ? `Would set the limits of account ${name}: ${said.join(', ')}. Nothing was changed.`
          : `Account ${name} may ask for this since epoch ${answer.epoch}: ${said.join(', ')}.`;
      await followChange(context, called, options, { answer, beganAtMs, answeredAfterMs, stops: false, screen });
    });
}

interface LimitsOptions extends WaitOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
}
