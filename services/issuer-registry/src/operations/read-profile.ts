import { asSluiceError, SluiceError } from '@sluice/errors';
import type { NewProfile } from '@sluice/ledger';
import { type ProfileFinding, parseProfile } from '@sluice/pki';
import { nameSchema } from '@sluice/registry-protocol';

/** A profile document (YAML) as the registry stores it. Throws `profile-invalid`, with the member of the body at fault. */
export function readProfile(yaml: string, pointer: string): NewProfile {
  try {
    const parsed = parseProfile(yaml);
    if (!nameSchema.safeParse(parsed.name).success) {
      throw new SluiceError('profile-invalid', '/name: must begin and end with a letter or digit');
    }
    return {
      name: parsed.name,
      ca: parsed.ca,
      purpose: parsed.purpose,
      // As plain JSON: what is absent is absent, not undefined.
      document: JSON.parse(JSON.stringify(parsed)) as Record<string, unknown>,
      timeToLiveS: parsed.time_to_live_seconds,
      backdateS: parsed.backdate_seconds,
    };
  } catch (error) {
    const { code, message, facts } = asSluiceError(error);
    if (code !== 'profile-invalid') throw error;
    throw new SluiceError(code, message, { facts: { pointer, ...findingsOf(facts, pointer) }, cause: error });
  }
}

/** The findings within the document, with their places in the YAML text, as findings about a member of the body. */
function findingsOf(facts: Readonly<Record<string, unknown>>, pointer: string): object {
  if (!Array.isArray(facts.findings)) return {};
  const findings = (facts.findings as ProfileFinding[]).map(({ path, line, column, detail }) => {
    const place = line === undefined ? '' : ` (line ${line}, column ${column})`;
    const said = `${path === '' ? '/' : path} ${detail}${place}`;
    return { pointer, code: 'profile-invalid', detail: said, path, line, column };
  });
  return { findings };
}
