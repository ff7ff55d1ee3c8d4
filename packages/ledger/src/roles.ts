import pg from 'pg';
import type { OperatorRole } from './operator-roles.js';

export const serviceNames = ['identity-api', 'signer', 'issuer-registry', 'ocsp-responder'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Roles are cluster-wide: each bears its database's name. */
export function roleName(database: string, service: ServiceName): string {
  return `${database}_${service.replaceAll('-', '_')}`;
}

async function withAdmin<R>(adminUrl: string, work: (client: pg.Client) => Promise<R>): Promise<R> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Lets the service roles log in with these passwords. Safe to repeat; `migrate` made the roles and their rights. */
export function setUpRoles(adminUrl: string, passwords: Readonly<Record<ServiceName, string>>): Promise<void> {
  return withAdmin(adminUrl, async (client) => {
    const database = (await client.query<{ name: string }>('select current_database() as name')).rows[0]?.name ?? '';
    for (const service of serviceNames) {
      const role = client.escapeIdentifier(roleName(database, service));
      await client.query(`alter role ${role} login password ${client.escapeLiteral(passwords[service])}`);
    }
  });
}

/** Registers an operator's Ed25519 public key (SPKI DER) and role. Bootstrap only; safe to repeat with the same key. */
export function enrolOperator(
  adminUrl: string,
  { name, publicKey, role = 'approver' }: { name: string; publicKey: Uint8Array; role?: OperatorRole },
): Promise<void> {
  return withAdmin(adminUrl, async (client) => {
    await client.query(
      'insert into registry.operator (name, public_key, role) values ($1, $2, $3) on conflict (name) do update set public_key = excluded.public_key, role = excluded.role',
      [name, Buffer.from(publicKey), role],
    );
  });
}

/** Registers the Ed25519 public key (SPKI DER) by which a service process names itself to the registry. Bootstrap only; safe to repeat. */
export function enrolServiceKey(
  adminUrl: string,
  key: { name: string; service: ServiceName; publicKey: Uint8Array },
): Promise<void> {
  return withAdmin(adminUrl, async (client) => {
    await client.query(
      'insert into registry.service_key (name, service, public_key) values ($1, $2, $3) on conflict (name) do update set service = excluded.service, public_key = excluded.public_key',
      [key.name, key.service, Buffer.from(key.publicKey)],
    );
  });
}
