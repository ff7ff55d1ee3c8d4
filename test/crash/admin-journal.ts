import { asSluiceError } from '@sluice/errors';
import type { System } from '@sluice/testkit';

/** Where each kind of change is found when it was stored. */
const storedAs = {
  account: 'select name from registry.account',
  ca: 'select name from registry.ca',
  // What became of it later does not count.
  'disabled-ca': `select subject as name from registry.change where kind = 'ca-disable'`,
  'enabled-ca': `select subject as name from registry.change where kind = 'ca-enable'`,
  'retired-ca': `select subject as name from registry.change where kind = 'ca-retire'`,
  'lifted-ca': `select subject as name from registry.change where kind = 'ca-quarantine-lift'`,
  'forgotten-subscriber': `select subject as name from registry.deed where kind = 'subscriber-forget'`,
  // By the two: as the second one, or proposed when the registry had changed meanwhile.
  'restored-registry': `select subject as name from registry.proposal where verb = 'registry-restored'
    and (approved_by is not null or proposed_by <> 'operator-2')`,
  profile: 'select name from registry.profile',
  'disabled-profile': `select name from registry.profile where state = 'disabled'`,
  'disabled-account': `select name from registry.account where state = 'disabled'`,
  'blocked-key': `select encode(spki_sha256, 'hex') as name from registry.blocked_key`,
} as const;
type Kind = keyof typeof storedAs;

/** Changes through the admin API, and what their operator was told of each. */
export interface AdminJournal {
  /** Throws what the call throws; both are written down. */
  change(kind: Kind, name: string, path: string, body: object): Promise<void>;
  /** What was told and is not so: done, and not there; nothing stored, and there. Empty when all is well. */
  falsehoods(): Promise<string[]>;
}

export function createAdminJournal(system: System): AdminJournal {
  type Told = 'done' | 'not stored' | 'nothing certain';
  const told: { kind: Kind; name: string; what: Told }[] = [];
  return {
    async change(kind, name, path, body) {
      try {
        await system.admin.call('POST', path, body);
        told.push({ kind, name, what: 'done' });
      } catch (thrown) {
        const refused = asSluiceError(thrown).message.includes('"code":"unavailable"');
        told.push({ kind, name, what: refused ? 'not stored' : 'nothing certain' });
        throw thrown;
      }
    },
    async falsehoods() {
      const found: string[] = [];
      for (const kind of Object.keys(storedAs) as Kind[]) {
        const there = new Set((await system.query<{ name: string }>(storedAs[kind])).map(({ name }) => name));
        const tellings = told.filter((one) => one.kind === kind);
        for (const name of new Set(tellings.map((one) => one.name))) {
          // One that was not stored may have been asked for again.
          const all = tellings.filter((one) => one.name === name).map(({ what }) => what);
          if (all.includes('done') && !there.has(name)) found.push(`${kind} ${name} was confirmed and is not there`);
          if (all.every((what) => what === 'not stored') && there.has(name))
            found.push(`${kind} ${name} was told "not stored" and is there`);
        }
      }
      return found;
    },
  };
}
