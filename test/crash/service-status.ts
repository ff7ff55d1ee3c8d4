import type { Member } from '@sluice/testkit';

/** What a service says of itself while something it needs is away. */
export interface ServiceStatus {
  /** Of `/healthz`. */
  readonly alive: boolean;
  readonly ready: boolean;
  /** What is not `ok`, by name. */
  readonly troubles: Readonly<Record<string, string>>;
  /** Breakers that are not closed. */
  readonly open: readonly string[];
  /** Its metric says that it works by an old snapshot. */
  readonly stale: boolean;
}

export async function statusOf({ url }: Member): Promise<ServiceStatus> {
  const [health, readiness, metrics] = await Promise.all(
    ['/healthz', '/readyz', '/metrics'].map(async (path) => {
      const answer = await fetch(url + path);
      return { status: answer.status, text: await answer.text() };
    }),
  );
  const { checks } = JSON.parse(readiness?.text ?? '{}') as { checks: Record<string, string> };
  const states = metrics?.text.matchAll(/^sluice_breaker_state\{dependency="([^"]+)",[^}]*\} (\d)$/gm) ?? [];
  return {
    alive: health?.status === 200,
    ready: readiness?.status === 200,
    troubles: Object.fromEntries(Object.entries(checks).filter(([, said]) => said !== 'ok')),
    stale: /^sluice_snapshot_stale\{[^}]*\} 1$/m.test(metrics?.text ?? ''),
    open: [...states].flatMap(([, name, state]) => (state === '0' ? [] : [name ?? ''])),
  };
}
