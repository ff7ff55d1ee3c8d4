import type { AccountLimit, AccountLimits } from '@sluice/issuance';
import type { AccountLimitsBody } from '@sluice/registry-protocol';

/** Limits as the admin API has them; what is not set is left out. */
export function limitsView({ ratePerSecond, burst, joinsPerSecond, ordersPerDay }: AccountLimits): AccountLimitsBody {
  return {
    ...(ratePerSecond !== undefined && { rate_per_second: ratePerSecond }),
    ...(burst !== undefined && { burst }),
    ...(joinsPerSecond !== undefined && { joins_per_second: joinsPerSecond }),
    ...(ordersPerDay !== undefined && { orders_per_day: ordersPerDay }),
  };
}

type Named<Name extends string, Value> = { readonly [name in Name]?: Value | undefined };

/** The other way round. */
export function limitsFrom<Value extends number | null>(
  body: Named<keyof AccountLimitsBody, Value>,
): Named<AccountLimit, Value> {
  return {
    ratePerSecond: body.rate_per_second,
    burst: body.burst,
    joinsPerSecond: body.joins_per_second,
    ordersPerDay: body.orders_per_day,
  };
}
