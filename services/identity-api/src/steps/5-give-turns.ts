import { flowName, type Lane, laneName } from '@sluice/issuance';
import type { AcceptRow } from '@sluice/ledger';
import type { TurnProducer, TurnRequest } from '@sluice/queue';

export interface GiveTurnsOptions {
  readonly turns: Pick<TurnProducer, 'add'>;
  /** Is this CA quarantined, so that a signer would look in vain? When it is no longer, signers look once a second. */
  readonly isHeld: (ca: string) => boolean;
  /** Called once per lane and commit: were its turns added? */
  readonly onTurn: (added: boolean, error?: unknown) => void;
}

/**
 * Step 5, after each commit: one turn per lane for the rows that shared it, but for those that are held. A crash before this, or Redis away, leaves
 * accepted rows without a turn: the sweeper compares and adds it. So a failure is counted, nothing else.
 */
export function createGiveTurns({ turns, isHeld, onTurn }: GiveTurnsOptions): (rows: readonly AcceptRow[]) => void {
  return (rows) => {
    for (const { lane, requests } of byLane(rows.filter(({ ca }) => !isHeld(ca)))) {
      turns.add(lane, requests).then(
        () => onTurn(true),
        (error: unknown) => onTurn(false, error),
      );
    }
  };
}

function byLane(rows: readonly AcceptRow[]): Iterable<{ lane: Lane; requests: TurnRequest[] }> {
  const lanes = new Map<string, { lane: Lane; requests: TurnRequest[] }>();
  for (const { class: requestClass, keyGroup, requestId, account, ca } of rows) {
    const lane = { class: requestClass, keyGroup };
    const name = laneName(lane);
    const known = lanes.get(name);
    const request = { requestId, flow: flowName(account, ca) };
    if (known) known.requests.push(request);
    else lanes.set(name, { lane, requests: [request] });
  }
  return lanes.values();
}
