import { type System, testProfiles } from '@sluice/testkit';

/** API keys of so many more accounts, each with the test profiles. */
export async function makeAccounts(system: System, names: readonly string[]): Promise<string[]> {
  const keys: string[] = [];
  for (const name of names) {
    const body = { name, profiles: Object.values(testProfiles) };
    const { api_key } = await system.admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', body);
    keys.push(api_key);
  }
  return keys;
}
