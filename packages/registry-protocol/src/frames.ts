import { z } from 'zod';
import { accountsPerSlice, atOnce, inSlices, type Steps, slice } from './slices.js';
import {
  accountSchema,
  type Entities,
  entitiesSchema,
  epochSchema,
  type Snapshot,
  snapshotSchema,
} from './snapshot.js';

/**
 * Where a subscriber's stream is, as NDJSON: `?incarnation=N`, and `&epoch=E` of what it has. Without it, or with
 * `&whole=true`, a snapshot comes.
 */
export const streamPath = '/v1/stream';
export const streamMediaType = 'application/x-ndjson';
/** Octets of a stream's nonce. */
export const streamNonceBytes = 16;
/** How often a stream says that nothing was missed, in milliseconds. */
export const heartbeatMs = 5000;

/** Base64url of SHA-256. */
export const digestSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** What a stream begins with: acknowledgements are made over its nonce. */
const hello = z.strictObject({
  type: z.literal('hello'),
  stream_nonce: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  /** Which registry this is; one that was restored from its own backup is the same. */
  history: z.uuid(),
  /** What the subscriber's epoch was sealed with here; null: it never was, or the subscriber has nothing. */
  sealed: digestSchema.nullable(),
  /** Operators said: what was applied below this epoch and is not here was lost with a restore. 0: nothing was. */
  restored: epochSchema,
});
/** All of a version. */
const snapshot = z.strictObject({ type: z.literal('snapshot'), digest: digestSchema, state: snapshotSchema });
/** From one version to a later one: entities that changed, whole. None is ever removed, so none is missing. */
const change = z.strictObject({
  type: z.literal('change'),
  from: epochSchema,
  epoch: epochSchema,
  digest: digestSchema,
  changed: entitiesSchema,
});
/** The newest version, which this stream has brought: nothing was missed. */
const heartbeat = z.strictObject({ type: z.literal('heartbeat'), epoch: epochSchema, digest: digestSchema });

const frame = z.discriminatedUnion('type', [hello, snapshot, change, heartbeat]);
export type Frame = z.infer<typeof frame>;
export type HelloFrame = z.infer<typeof hello>;
export type ChangeFrame = z.infer<typeof change>;

/** Says only that the registry is there, and cannot say now whether something was missed. */
export const aliveLine = '\n';

/** One line. */
export function frameLine(written: Frame): string {
  return `${JSON.stringify(written)}\n`;
}

/** Throws for what is no frame: the line was damaged, or is none of ours. */
export function readFrame(line: string): Frame {
  return atOnce(frameSteps(line));
}

/** The same, beside other work: only the JSON of a whole state is read at once, which takes a quarter of it all. */
export async function readFrameInSlices(line: string): Promise<Frame> {
  return line.length < smallLineLength ? readFrame(line) : inSlices(frameSteps(line));
}

/** A line that is read in a millisecond. */
const smallLineLength = 64 * 1024;

function* frameSteps(line: string): Steps<Frame> {
  const read: unknown = JSON.parse(line);
  yield;
  const accounts = takeAccounts(read);
  const rest = frame.parse(read);
  const entities = rest.type === 'snapshot' ? rest.state : rest.type === 'change' ? rest.changed : undefined;
  if (entities === undefined) return rest;
  yield;
  yield* slice(accounts, accountsPerSlice, (account) => void entities.accounts.push(accountSchema.parse(account)));
  return rest;
}

/** What there may be ten thousand of, out of what was read; nothing when it is not where it should be. */
function takeAccounts(read: unknown): readonly unknown[] {
  const { type, state, changed } = Object(read) as Record<string, unknown>;
  const entities = Object(type === 'snapshot' ? state : changed) as { accounts?: unknown };
  if (!Array.isArray(entities.accounts)) return [];
  const { accounts } = entities;
  entities.accounts = [];
  return accounts;
}

type Changed = Pick<ChangeFrame, 'epoch' | 'changed'>;

/**
 * The state after a change: its entities in place of those with their names, new ones behind, blocked keys behind those
 * there were. Whether the frame belongs to this state is seen by the digest alone.
 */
export function withChange(state: Snapshot, change: Changed): Snapshot {
  return withChanges(state, [change]);
}

/** The state after changes in a row, for the price of one. What did not change is the same object as before. */
export function withChanges(state: Snapshot, changes: readonly Changed[]): Snapshot {
  const all = changes.map(({ changed }) => changed);
  const keys = all.filter(({ blockedKeys }) => blockedKeys !== '');
  return {
    epoch: changes.at(-1)?.epoch ?? state.epoch,
    cas: replaced(
      state.cas,
      all.flatMap(({ cas }) => cas),
    ),
    profiles: replaced(
      state.profiles,
      all.flatMap(({ profiles }) => profiles),
    ),
    accounts: replaced(
      state.accounts,
      all.flatMap(({ accounts }) => accounts),
    ),
    blockedKeys: keys.length === 0 ? state.blockedKeys : joined([state, ...keys]),
  };
}

function joined(parts: readonly Pick<Entities, 'blockedKeys'>[]): string {
  return Buffer.concat(parts.map(({ blockedKeys }) => Buffer.from(blockedKeys, 'base64'))).toString('base64');
}

function replaced<Entity extends Entities['cas' | 'profiles' | 'accounts'][number]>(
  present: Entity[],
  changed: readonly Entity[],
): Entity[] {
  if (changed.length === 0) return present;
  const byName = new Map(present.map((entity) => [entity.name, entity]));
  for (const entity of changed) byName.set(entity.name, entity);
  return [...byName.values()];
}
