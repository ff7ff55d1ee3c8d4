import { type System, testProfiles } from '@sluice/testkit';

/** API keys of so many more accounts, each with the test profiles; `limits` as the admin API takes them. */
export async function makeAccounts(
  system: System,
  names: readonly string[],
  limits: Readonly<Record<string, number>> = {},
): Promise<string[]> {
  const keys: string[] = [];
  for (const name of names) {
    const body = { name, profiles: Object.values(testProfiles), limits };
    const { api_key } = await system.admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', body);
    keys.push(api_key);
  }
  return keys;
}
