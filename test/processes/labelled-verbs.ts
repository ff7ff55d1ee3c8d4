import type { Checkpoint } from '@sluice/lifecycle';

/** Kill points before and after each of these verbs: `SERVICE:before-VERB`, `SERVICE:after-VERB`. */
export function labelVerbs<T extends object>(
  inside: T,
  service: string,
  checkpoint: Checkpoint,
  verbs: readonly (keyof T & string)[],
): T {
  return new Proxy(inside, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const verb: unknown = member.bind(target);
      const label = verbs.find((one) => one === name);
      if (label === undefined || typeof verb !== 'function') return verb;
      return async (...values: unknown[]): Promise<unknown> => {
        await checkpoint(`${service}:before-${label}`);
        const result: unknown = await verb(...values);
        await checkpoint(`${service}:after-${label}`);
        return result;
      };
    },
  });
}
