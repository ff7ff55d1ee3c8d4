import { type Answer, plainSerial, type System } from '@sluice/testkit';

interface Row {
  readonly serial: string;
  readonly id: string;
  readonly due: Date;
}

/**
 * Interactive orders for which a signature was asked after their client's wait, by the witness: nobody was there any more
 * who wanted it. Not counted is what its client was told goes on. `waitMs`: of each of these clients.
 */
export async function signedOverdue(system: System, answers: readonly Answer[], waitMs: number): Promise<string[]> {
  const goesOn = new Set(answers.filter(({ fate }) => fate === 'continuing').map(({ id }) => id));
  const rows = await system.query<Row>(
    `select encode(s.serial, 'hex') as serial, r.id, r.accepted_at + make_interval(secs => $1 / 1000.0) as due
     from ledger.serial s join ledger.request r on r.id = s.request_id where r.class = 'interactive'`,
    [waitMs],
  );
  const bySerial = new Map(rows.map((row) => [plainSerial(row.serial), row]));
  return system.witness().flatMap(({ serial, at }) => {
    const row = serial === null ? undefined : bySerial.get(plainSerial(serial));
    if (row === undefined || goesOn.has(row.id) || Date.parse(at) <= row.due.getTime()) return [];
    return [`${row.id}: asked ${Date.parse(at) - row.due.getTime()} ms late`];
  });
}
