import { SluiceError } from '@sluice/errors';
import type { z } from 'zod';

/** One fault of one key: what `config-invalid` carries in `facts.faults`. Never holds a value, which may be a secret. */
interface ConfigFault {
  readonly key: string;
  readonly fault: string;
}

const ourPrefix = 'SLUICE_';

/**
 * Reads the schema's keys from the environment, once, at start.
 * An empty variable counts as not set. A `SLUICE_` key that the schema does not name is a fault: it is a typing error
 * that would otherwise leave a default in force unseen. Keys without the prefix are nobody's business here.
 * Throws one SluiceError('config-invalid') with every fault at once in `facts.faults`; returns a frozen object.
 */
export function loadConfig<S extends z.ZodObject>(schema: S, env: NodeJS.ProcessEnv): Readonly<z.infer<S>> {
  const known = Object.keys(schema.shape);
  const faults: ConfigFault[] = Object.keys(env)
    .filter((key) => key.startsWith(ourPrefix) && !known.includes(key))
    .map((key) => ({ key, fault: 'is not a key that this service knows' }));

  const given = Object.fromEntries(known.flatMap((key) => (env[key] ? [[key, env[key]]] : [])));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const key = String(issue.path[0] ?? '(all)');
      faults.push({ key, fault: known.includes(key) && !(key in given) ? 'is not set' : issue.message });
    }
  }
  if (!parsed.success || faults.length > 0) {
    const list = faults.map(({ key, fault }) => `${key} ${fault}`).join('; ');
    throw new SluiceError('config-invalid', `The configuration cannot be used: ${list}`, { facts: { faults } });
  }
  return Object.freeze(parsed.data);
}
