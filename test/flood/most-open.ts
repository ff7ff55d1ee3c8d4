import type { System } from '@sluice/testkit';

/** Looks again and again how many requests are open for one key; `stop` resolves with the most there ever were. */
export function mostOpenOfOneKey(system: System): { stop(): Promise<number> } {
  let over = false;
  async function look(): Promise<number> {
    let most = 0;
    while (!over) {
      const [row] = await system.query<{ most: number | null }>(
        `select max(count)::integer as most from (select count(*) from ledger.work w join ledger.request r on r.id = w.request_id
         where r.idempotency_key is not null group by r.account, r.idempotency_key) k`,
      );
      most = Math.max(most, row?.most ?? 0);
    }
    return most;
  }
  const looking = look();
  return {
    stop() {
      over = true;
      return looking;
    },
  };
}
