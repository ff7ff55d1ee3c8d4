import { parseArgs } from 'node:util';

export const usage = `npm run bench -- [options]

Sluice beside CFSSL on this machine, in one run: closed loop in alternating rounds, open loop at several rates, latency
at rest beside what a commit costs, signing on one core, \`why\`, \`ca disable\` until all have applied it. Without options
it takes less than five minutes.

  --rounds N          rounds of the closed loop (2)
  --seconds N         length of each measurement (5)
  --preload N         load N requests first, with all that belongs to them, over twelve weeks; the rate is measured
                      before and after (ten million: minutes, and 25 GB of disk)
  --minutes N         then N minutes at full rate, a transaction open during the middle third; tables and memory
  --minute-seconds N  a shorter minute, to try it out (60)
  --subscribers N     a push to N too (200), what they cost at rest, and how they come back to a restarted registry
  --map               instead of all this the metastability map: capacity cut to half and more, for 10 and 60 s, at three
                      loads, and how long until all are served again (50 minutes)
  --capacity N        of the map: signatures per second of all signers together (100); less on a machine that is not idle
  --profile DIR       a CPU profile of each service, and its twenty dearest functions as text
  --json FILE         everything measured
  --html FILE         a page with charts, in one file
  --help

Examples:
  npm run bench
  npm run bench -- --rounds 5 --seconds 8 --html bench.html
  npm run bench -- --preload 10000000 --minutes 30 --profile profiles --json bench.json --html bench.html
  npm run bench -- --map --html map.html`;

export interface Arguments {
  readonly rounds: number;
  readonly seconds: number;
  readonly preload: number;
  readonly minutes: number;
  readonly minuteSeconds: number;
  readonly subscribers: number;
  readonly map: boolean;
  readonly capacity: number;
  readonly profile: string | undefined;
  readonly json: string | undefined;
  readonly html: string | undefined;
}

/** undefined: help was asked for. Throws for what is no number, or out of its range. */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '2' },
      seconds: { type: 'string', default: '5' },
      preload: { type: 'string', default: '0' },
      minutes: { type: 'string', default: '0' },
      'minute-seconds': { type: 'string', default: '60' },
      subscribers: { type: 'string', default: '0' },
      map: { type: 'boolean', default: false },
      capacity: { type: 'string', default: '100' },
      profile: { type: 'string' },
      json: { type: 'string' },
      html: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const whole = (
    name: 'rounds' | 'seconds' | 'preload' | 'minutes' | 'minute-seconds' | 'subscribers' | 'capacity',
    min: number,
  ): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < min) throw new Error(`--${name} takes a whole number from ${min} on`);
    return value;
  };
  return {
    rounds: whole('rounds', 1),
    seconds: whole('seconds', 1),
    preload: whole('preload', 0),
    minutes: whole('minutes', 0),
    minuteSeconds: whole('minute-seconds', 1),
    subscribers: whole('subscribers', 0),
    map: values.map,
    capacity: whole('capacity', 10),
    profile: values.profile,
    json: values.json,
    html: values.html,
  };
}
