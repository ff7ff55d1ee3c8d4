import { lagEpochs } from '@sluice/issuance';
import type { SubscriberView } from '@sluice/registry-protocol';
import type { Colors } from 'picocolors/types.js';
import { table } from './table.js';
import { durationText } from './time.js';

/** What was proved stays proved: that nothing is heard of it now stands beside it. */
export function paintStanding(
  colors: Colors,
  { standing, silent }: Pick<SubscriberView, 'standing' | 'silent'>,
): string {
  if (standing === 'applied') return colors.green(standing) + (silent ? colors.red(' (silent)') : '');
  return standing === 'pending' ? colors.yellow(standing) : colors.red(standing);
}

/** `4 s ago` */
export function heardText(heardAt: string | null, at: string): string {
  return heardAt === null ? 'never' : `${durationText(Math.max(0, Date.parse(at) - Date.parse(heardAt)))} ago`;
}

/** Subscribers and how they stand to a version. */
export interface SubscribersFacts {
  readonly at: string;
  readonly epoch: string;
  readonly subscribers: readonly SubscriberView[];
}

export function subscribersScreen({ at, epoch, subscribers }: SubscribersFacts, colors: Colors): string {
  if (subscribers.length === 0) return 'There is no subscriber.';
  const rows = subscribers.map((subscriber) => {
    const { name, service, incarnation, acknowledged_epoch, applied_epoch, heard_at } = subscriber;
    const reached = { acknowledged: BigInt(acknowledged_epoch), applied: BigInt(applied_epoch) };
    const lag = lagEpochs(BigInt(epoch), reached);
    const heard = heardText(heard_at, at);
    return [
      name,
      service,
      incarnation,
      paintStanding(colors, subscriber),
      acknowledged_epoch,
      lag > 0n ? String(lag) : '–',
      heard,
    ];
  });
  const head = ['NAME', 'SERVICE', 'INCARNATION', 'STANDING', 'EPOCH', 'LAG', 'LAST HEARD'];
  const refused = subscribers.flatMap(({ name, standing, refusal }) =>
    standing === 'refused' && refusal !== null
      ? [`${name} refused epoch ${refusal.epoch}: ${refusal.reason} (${refusal.code})`]
      : [],
  );
  return [`${colors.bold(`Standing for epoch ${epoch}`)}\n${table(head, rows)}`, ...refused].join('\n\n');
}
