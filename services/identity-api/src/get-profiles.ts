import { SluiceError } from '@sluice/errors';
import { refusal } from '@sluice/issuance';
import type { z } from 'zod';
import { type Answer, jsonAnswer } from './answer.js';
import type { ProfileBody, profilesSchema } from './api/schemas.js';
import type { RoutedCall } from './call.js';
import type { Directory, DirectoryAccount, DirectoryProfile } from './directory.js';
import type { Front } from './front.js';
import { nameRules, subjectRules } from './profile-rules.js';
import { authenticate } from './steps/1-authenticate.js';

/** `GET /profiles`: what this account may ask for, by name, in the terms of the body that asks. */
export function createGetProfiles(front: Front): (call: RoutedCall) => Promise<Answer> {
  return async (call) => {
    const directory = front.directory();
    const account = authenticate(directory, call.request.headers.authorization);
    const profiles = [...account.profiles]
      .sort()
      .map((name) => usable(directory, account, name))
      .filter((profile) => profile !== undefined)
      .map((profile) => profileBody(directory, profile));
    return jsonAnswer(200, { profiles } satisfies z.infer<typeof profilesSchema>);
  };
}

/** `GET /profiles/{name}`. Others' profiles are `not-found`: they are none of this account's business. */
export function createGetProfile(front: Front): (call: RoutedCall) => Promise<Answer> {
  return async (call) => {
    const directory = front.directory();
    const account = authenticate(directory, call.request.headers.authorization);
    const profile = usable(directory, account, call.id ?? '');
    if (profile === undefined) throw new SluiceError('not-found');
    return jsonAnswer(200, profileBody(directory, profile));
  };
}

/** As step 2 sees it. */
function usable(directory: Directory, account: DirectoryAccount, name: string): DirectoryProfile | undefined {
  const profile = account.profiles.has(name) ? directory.profile(name) : undefined;
  return profile?.document.purpose === 'subscriber' ? profile : undefined;
}

function profileBody(directory: Directory, profile: DirectoryProfile): ProfileBody {
  const { name, revision, enabled, document } = profile;
  const ca = directory.ca(profile.ca);
  const caRefusal = ca === undefined ? 'ca-unknown' : refusal(ca.state, 'subscriber');
  const refused = enabled ? caRefusal : 'profile-disabled';
  const { description, requested_validity, validity_seconds, time_to_live_seconds, key_usage, extended_key_usage } =
    document;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    revision,
    available: refused === undefined,
    ...(refused === undefined ? {} : { unavailable_because: refused }),
    state: enabled ? 'enabled' : 'disabled',
    ca: { name: profile.ca, ...(ca === undefined ? {} : { state: ca.state }) },
    subject_dn: subjectRules(document),
    san: nameRules(document),
    ...{ keys: [...document.keys], key_usage, extended_key_usage, validity_seconds, time_to_live_seconds },
    ...(requested_validity === undefined ? {} : { requested_validity }),
  };
}
