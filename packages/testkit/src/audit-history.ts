import { createHash, X509Certificate } from 'node:crypto';
import { Client } from 'pg';
import { serialOfTbs, tbsOfCertificate } from './der.js';
import { type Answer, plainSerial } from './recording-client.js';
import type { WitnessEntry } from './witness-key-store.js';

/** One thing that must not be, with the rows that show it. */
export interface Violation {
  readonly rule:
    | 'accepted-without-end'
    | 'ended-late'
    | 'lost'
    | 'answered-certificate-not-in-ledger'
    | 'signed-twice'
    | 'issued-without-witness'
    | 'issued-without-certificate'
    | 'witnessed-not-burned'
    | 'serial-left-open'
    | 'two-certificates'
    | 'burned-not-revoked'
    | 'fate-proved-false'
    | 'one-key-two-certificates'
    | 'signed-after-lease'
    | 'deadlock';
  readonly detail: string;
  readonly rows: readonly unknown[];
}

export interface AuditOptions {
  /** What clients were told. */
  readonly answers: readonly Answer[];
  /** What was asked of the keys. */
  readonly witness: readonly WitnessEntry[];
  /** What the ledger says. */
  readonly adminUrl: string;
  /** Accepted requests must have ended within this time of being accepted; without, that they ended is enough. */
  readonly endWithinMs?: number;
}

export interface AuditReport {
  readonly violations: readonly Violation[];
  /** For the eye: how much was looked at. */
  readonly counts: Readonly<Record<string, number>>;
}

interface RequestRow {
  id: string;
  accepted_at: Date;
  work: string | null;
  shelf: string | null;
  outcome: string | null;
  code: string | null;
  withheld: boolean | null;
  ended_at: Date | null;
  serial: string | null;
  certificate: Buffer | null;
  keyless: boolean;
  common_name: string | null;
}
interface SerialRow {
  serial: string;
  ca: string;
  request_id: string;
  attempt: number;
  state: string;
  claim_id: string;
  lease_until: Date;
  revoked: boolean;
}
/** Idempotency-Key to the request that holds it. Accounts do not share keys here: clients draw them at random. */
type Holders = ReadonlyMap<string, string>;

/**
 * The three-way accounting: what clients were told, what the witness saw signed and what the ledger says must agree.
 * Call it when everything has come to rest. Reads only; an empty list of violations is the good answer.
 */
export async function auditHistory(options: AuditOptions): Promise<AuditReport> {
  const { requests, serials, holders, deadlocks } = await readLedger(options.adminUrl);
  const byId = new Map(requests.map((row) => [row.id, row]));
  const serialsOf = groupBy(serials, (row) => row.request_id);
  const witness = options.witness.filter((entry) => entry.serial !== null);
  const witnessed = groupBy(witness, (entry) => plainSerial(entry.serial ?? ''));
  const violations = [
    ...endsOf(requests, options.endWithinMs),
    ...answersAgainstLedger(options.answers, byId),
    ...fates(options.answers, byId, serialsOf, witnessed),
    ...keys(options.answers),
    ...refusedUnderKey(options.answers, holders, byId),
    ...refusedWithoutKey(options.answers, requests),
    ...witnessAgainstLedger(witnessed, serials, byId),
    ...signedAfterLease(witnessed, serials),
    ...deadlocked(deadlocks),
  ];
  return {
    violations,
    counts: {
      answers: options.answers.length,
      certificatesAnswered: options.answers.filter((answer) => answer.certificate !== undefined).length,
      accepted: requests.length,
      issued: requests.filter((row) => row.outcome === 'issued').length,
      expired: requests.filter((row) => row.outcome === 'expired').length,
      witnessed: witness.length,
      burned: serials.filter((row) => row.state === 'burned').length,
    },
  };
}

async function readLedger(
  adminUrl: string,
): Promise<{ requests: RequestRow[]; serials: SerialRow[]; holders: Holders; deadlocks: number }> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    const requests = await client.query<RequestRow>(`
      select r.id, r.accepted_at, w.state as work, s.state as shelf, o.state as outcome, o.code, o.withheld, o.ended_at,
        encode(o.serial, 'hex') as serial, c.der as certificate,
        r.idempotency_key is null as keyless, r.content::jsonb #>> '{subject_dn,common_name}' as common_name
      from ledger.request r
      left join ledger.work w on w.request_id = r.id
      left join ledger.shelf s on s.request_id = r.id
      left join ledger.outcome o on o.request_id = r.id
      left join ledger.certificate c on o.state = 'issued' and c.request_id = r.id and c.attempt = o.attempt`);
    const serials = await client.query<SerialRow>(`
      select encode(s.serial, 'hex') as serial, s.ca, s.request_id, s.attempt, s.state, s.claim_id, s.lease_until,
        v.serial is not null as revoked
      from ledger.serial s left join ledger.revocation v on v.ca = s.ca and v.serial = s.serial`);
    const held = await client.query<{ key: string; request_id: string }>(
      'select key, request_id from ledger.idempotency',
    );
    const holders = new Map(held.rows.map((row) => [row.key, row.request_id]));
    const counted = await client.query<{ deadlocks: number }>(
      'select deadlocks::integer from pg_stat_database where datname = current_database()',
    );
    return { requests: requests.rows, serials: serials.rows, holders, deadlocks: counted.rows[0]?.deadlocks ?? 0 };
  } finally {
    await client.end();
  }
}

/** Each accepted request has exactly one place, and that is its end. (On the shelf as `failed`: an end for this purpose.) */
function* endsOf(requests: readonly RequestRow[], endWithinMs: number | undefined): Generator<Violation> {
  for (const row of requests) {
    const places = [row.work, row.shelf, row.outcome].filter((place) => place !== null);
    if (places.length !== 1) {
      yield {
        rule: 'lost',
        detail: `request ${row.id} is in ${places.length} places: ${places.join(', ')}`,
        rows: [row],
      };
    } else if (row.work !== null) {
      yield { rule: 'accepted-without-end', detail: `request ${row.id} is still ${row.work}`, rows: [row] };
    } else if (row.outcome === 'issued' && row.serial !== null && row.certificate === null) {
      yield {
        rule: 'issued-without-certificate',
        detail: `request ${row.id} is issued under serial ${row.serial} and has no certificate`,
        rows: [row],
      };
    } else if (endWithinMs !== undefined && row.ended_at !== null) {
      const tookMs = row.ended_at.getTime() - row.accepted_at.getTime();
      if (tookMs > endWithinMs)
        yield { rule: 'ended-late', detail: `request ${row.id} took ${tookMs} ms`, rows: [row] };
    }
  }
}

/** Whatever a client was told exists: request, certificate byte for byte. */
function* answersAgainstLedger(
  answers: readonly Answer[],
  byId: ReadonlyMap<string, RequestRow>,
): Generator<Violation> {
  for (const answer of answers) {
    if (answer.status === undefined || answer.status === 404) continue;
    const row = answer.id === undefined ? undefined : byId.get(answer.id);
    if (answer.certificate !== undefined) {
      const told = new X509Certificate(answer.certificate).raw;
      if (row?.outcome !== 'issued' || row.certificate === null || !told.equals(row.certificate)) {
        yield {
          rule: 'answered-certificate-not-in-ledger',
          detail: `the certificate answered for ${answer.id} (serial ${answer.serial}) is not the ledger's`,
          rows: [answer, row],
        };
      }
    } else if (answer.call === 'POST' && answer.fate === 'continuing' && row === undefined) {
      yield { rule: 'lost', detail: `${answer.id} was told \`continuing\` and is not in the ledger`, rows: [answer] };
    }
  }
}

/** Which ends each fate leaves open. */
const falseWhen: Readonly<Record<string, (row: RequestRow) => boolean>> = {
  // Ended as it says, or refused before anything was stored (then there is no row).
  'not-issued': (row) => row.outcome === 'issued' || row.work !== null || row.withheld === true,
  withheld: (row) => row.outcome === 'issued' || row.work !== null,
  cancelled: (row) => row.outcome !== 'cancelled',
  // Its deadline was moved to the profile's time to live, far beyond any test.
  continuing: (row) => row.outcome === 'expired',
  issued: (row) => row.outcome !== 'issued',
};

function* fates(
  answers: readonly Answer[],
  byId: ReadonlyMap<string, RequestRow>,
  serialsOf: ReadonlyMap<string, readonly SerialRow[]>,
  witnessed: ReadonlyMap<string, readonly WitnessEntry[]>,
): Generator<Violation> {
  for (const answer of answers) {
    const row = answer.id === undefined ? undefined : byId.get(answer.id);
    if (row === undefined || answer.fate === undefined) continue;
    if (falseWhen[answer.fate]?.(row)) {
      yield {
        rule: 'fate-proved-false',
        detail: `${row.id} was told \`${answer.fate}\` (${answer.code ?? answer.status}) and is ${row.outcome ?? row.shelf ?? row.work}`,
        rows: [answer, row],
      };
    }
    if (answer.fate !== 'not-issued') continue;
    // A burned serial counts: nobody can tell that its signature was not begun.
    const begun = (serialsOf.get(row.id) ?? []).filter(
      ({ serial, state }) => state === 'burned' || witnessed.has(plainSerial(serial)),
    );
    if (begun.length > 0) {
      yield {
        rule: 'fate-proved-false',
        detail: `${row.id} was told \`not-issued\`: no signature was begun; for a serial of it one was, or may have been`,
        rows: [answer, ...begun],
      };
    }
  }
}

/**
 * Refused without an id under a key, as never to be issued, while the request of that key was there already and is
 * issued: the twin at another front end. (What was accepted after the answer is another try, of which nothing was said.)
 */
function* refusedUnderKey(
  answers: readonly Answer[],
  holders: Holders,
  byId: ReadonlyMap<string, RequestRow>,
): Generator<Violation> {
  for (const answer of answers) {
    if (answer.fate !== 'not-issued' || answer.key === undefined || answer.id !== undefined) continue;
    const row = byId.get(holders.get(answer.key) ?? '');
    if (row?.outcome === 'issued' && row.accepted_at.getTime() <= answer.endedAt) {
      yield {
        rule: 'fate-proved-false',
        detail: `key ${answer.key} was told \`not-issued\` (${answer.code}) and its request ${row.id} is issued`,
        rows: [answer, row],
      };
    }
  }
}

/**
 * The same for an order without a key: told that nothing will be issued, while a request for the same common name was
 * accepted meanwhile and is issued, which no other call can have brought. (Clients here give each order its own name.)
 */
function* refusedWithoutKey(answers: readonly Answer[], requests: readonly RequestRow[]): Generator<Violation> {
  const keyless = (answer: Answer): boolean => answer.call === 'POST' && answer.key === undefined;
  const refused = answers.filter(
    (answer) =>
      keyless(answer) && answer.fate === 'not-issued' && answer.id === undefined && (answer.status ?? 0) >= 500,
  );
  const issued = groupBy(
    requests.filter((row) => row.keyless && row.outcome === 'issued'),
    (row) => row.common_name,
  );
  const otherwise = new Set(
    answers.filter((answer) => keyless(answer) && answer.fate !== 'not-issued').map(({ commonName }) => commonName),
  );
  for (const answer of refused) {
    const { commonName, sentAt, endedAt } = answer;
    if (commonName === undefined || otherwise.has(commonName)) continue;
    for (const row of issued.get(commonName) ?? []) {
      if (row.accepted_at.getTime() < sentAt || row.accepted_at.getTime() > endedAt) continue;
      yield {
        rule: 'fate-proved-false',
        detail: `${commonName} was told \`not-issued\` (${answer.code}) and its request ${row.id} is issued`,
        rows: [answer, row],
      };
    }
  }
}

/** Equal keys, equal answers. (A retry of an `expired` key opens a new request; it does not have two certificates.) */
function* keys(answers: readonly Answer[]): Generator<Violation> {
  const issued = answers.filter((answer) => answer.key !== undefined && answer.certificate !== undefined);
  for (const [key, same] of groupBy(issued, (answer) => answer.key)) {
    if (new Set(same.map((answer) => answer.certificate)).size > 1) {
      yield {
        rule: 'one-key-two-certificates',
        detail: `key ${key} was answered with several certificates`,
        rows: same,
      };
    }
  }
}

function* witnessAgainstLedger(
  witnessed: ReadonlyMap<string, readonly WitnessEntry[]>,
  serials: readonly SerialRow[],
  byId: ReadonlyMap<string, RequestRow>,
): Generator<Violation> {
  for (const [serial, entries] of witnessed) {
    if (entries.length > 1) {
      const bytes = new Set(entries.map((entry) => entry.tbsHash)).size;
      yield {
        rule: 'signed-twice',
        detail: `serial ${serial} was asked for ${entries.length} times, over ${bytes} different certificates`,
        rows: entries,
      };
    }
  }
  const known = new Map(serials.map((row) => [plainSerial(row.serial), row]));
  for (const [serial, entries] of witnessed) {
    const row = known.get(serial);
    if (row?.state !== 'issued' && row?.state !== 'burned') {
      yield {
        rule: 'witnessed-not-burned',
        detail: `serial ${serial} was signed and is ${row?.state ?? 'unknown'}`,
        rows: [entries[0], row],
      };
    }
  }
  const issuedTo = groupBy(
    serials.filter((row) => row.state === 'issued'),
    (row) => row.request_id,
  );
  for (const [id, rows] of issuedTo) {
    if (rows.length > 1)
      yield { rule: 'two-certificates', detail: `request ${id} has ${rows.length} serials \`issued\``, rows };
  }
  for (const row of serials) {
    if (row.state === 'intended') {
      yield { rule: 'serial-left-open', detail: `serial ${row.serial} is still \`intended\``, rows: [row] };
    }
    if (row.state === 'burned' && !row.revoked) {
      yield { rule: 'burned-not-revoked', detail: `serial ${row.serial} is burned and not revoked`, rows: [row] };
    }
    if (row.state === 'issued') yield* issuedAsWitnessed(row, witnessed, byId);
  }
}

/**
 * No key is asked after its lease. Of each claim one serial may be: a process can be stopped between its look at the
 * lease and the key, where nobody can help it; what it signs then is burned. A second would have been looked at again.
 */
function* signedAfterLease(
  witnessed: ReadonlyMap<string, readonly WitnessEntry[]>,
  serials: readonly SerialRow[],
): Generator<Violation> {
  const late = serials.filter(({ serial, lease_until }) =>
    witnessed.get(plainSerial(serial))?.some(({ at }) => Date.parse(at) > lease_until.getTime()),
  );
  for (const [claim, rows] of groupBy(late, (row) => row.claim_id)) {
    if (rows.length < 2) continue;
    const which = rows.map(({ serial }) => serial).join(', ');
    yield { rule: 'signed-after-lease', detail: `of claim ${claim} were signed after its lease: ${which}`, rows };
  }
}

/** Every verb takes its locks in one order, so there is nobody to wait for in a circle. (A crash forgets the count.) */
function* deadlocked(deadlocks: number): Generator<Violation> {
  if (deadlocks > 0) yield { rule: 'deadlock', detail: `PostgreSQL broke ${deadlocks} deadlocks`, rows: [] };
}

/** What was issued is what the witness saw: the same bytes, under that serial, and it is the outcome of its request. */
function* issuedAsWitnessed(
  row: SerialRow,
  witnessed: ReadonlyMap<string, readonly WitnessEntry[]>,
  byId: ReadonlyMap<string, RequestRow>,
): Generator<Violation> {
  const request = byId.get(row.request_id);
  const tbs = request?.certificate ? tbsOfCertificate(request.certificate) : undefined;
  const hash = tbs && createHash('sha256').update(tbs).digest('hex');
  const inBytes = tbs && serialOfTbs(tbs);
  if (inBytes === undefined || plainSerial(inBytes) !== plainSerial(row.serial) || request?.serial !== row.serial) {
    yield {
      rule: 'two-certificates',
      detail: `serial ${row.serial} is \`issued\` and the outcome of ${row.request_id} is another (${request?.serial})`,
      rows: [row, request],
    };
  } else if (!witnessed.get(plainSerial(row.serial))?.some((entry) => entry.tbsHash === hash)) {
    yield {
      rule: 'issued-without-witness',
      detail: `serial ${row.serial} was issued without being witnessed`,
      rows: [row],
    };
  }
}

/** Map.groupBy, which Node 20 does not have. */
function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
