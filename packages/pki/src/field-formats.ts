import { type Form, patternForm } from './form.js';
import { dnsNameForm, emailForm } from './name-faults.js';

/** Formats that a profile can ask for, one row each. Profiles bring no patterns of their own. */
const formats = {
  digits: patternForm('digits', /^[0-9]+$/, 'must be digits'),
  hex: patternForm('hex', /^[0-9a-f]+$/, 'must be hexadecimal in lower case'),
  'letters-digits': patternForm('letters-digits', /^[A-Za-z0-9]+$/, 'must be letters and digits of ASCII'),
  identifier: patternForm(
    'identifier',
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'must be letters, digits, dot, underscore and hyphen of ASCII',
  ),
  uuid: patternForm('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a UUID in lower case'),
  'dns-name': dnsNameForm,
  email: emailForm,
} as const satisfies { readonly [Name in string]: Form };

export type FieldFormat = keyof typeof formats;
export const fieldFormats = Object.keys(formats) as readonly FieldFormat[];

export function formOfFormat(format: FieldFormat): Form {
  return formats[format];
}
