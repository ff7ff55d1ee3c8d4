import { SluiceError } from '@sluice/errors';
import { type OperatorRole, operatorRoles, type RegistryStore } from '@sluice/ledger';

/**
 * Throws `forbidden` when this operator's role does not allow it. Read anew for each act: a role that was taken away is
 * gone at once. Who may be the second of two the ledger decides.
 */
export async function checkRole(
  store: Pick<RegistryStore, 'operators'>,
  operator: string,
  needed: OperatorRole,
): Promise<void> {
  const role = (await store.operators()).find(({ name }) => name === operator)?.role ?? 'viewer';
  if (operatorRoles.indexOf(role) >= operatorRoles.indexOf(needed)) return;
  throw new SluiceError('forbidden', `${operator} is a ${role}: this takes the role ${needed}`, {
    facts: { what_to_do: 'Ask an operator who has that role.' },
  });
}
