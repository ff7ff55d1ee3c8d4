import { expect, it } from 'vitest';
import { checkProfile } from './parse-profile.js';
import { pathLengthFault } from './path-length-fault.js';

const by = (path_length?: number) =>
  checkProfile({
    name: 'sub',
    ca: 'root',
    purpose: 'ca-certificate',
    validity_seconds: 3600,
    subject: { common_name: 'required' },
    keys: ['ec-p256'],
    key_usage: ['keyCertSign', 'cRLSign'],
    basic_constraints: path_length === undefined ? { ca: true } : { ca: true, path_length },
  });

it.each([
  [undefined, undefined, undefined],
  [undefined, 5, undefined],
  [1, 0, undefined],
  [20, 19, undefined],
  [0, 0, 'certify no CA'],
  [0, 5, 'certify no CA'],
  [0, undefined, 'certify no CA'],
  [1, 1, 'smaller, not 1'],
  [1, 5, 'smaller, not 5'],
  [1, undefined, 'sets none'],
])('below an issuer with %s, a CA with %s: %s', (issuerBound, bound, fault) => {
  const said = pathLengthFault(issuerBound, by(bound));
  if (fault === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(fault);
});
