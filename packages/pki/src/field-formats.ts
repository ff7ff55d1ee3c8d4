import { dnsNameFault, emailFault } from './name-faults.js';

interface Format {
  readonly fault: (value: string) => string | undefined;
}

function pattern(form: RegExp, rule: string): Format {
  return { fault: (value) => (form.test(value) ? undefined : rule) };
}

/**
 * Formats that a profile can ask for, one row each. Profiles bring no patterns of their own: each of these takes time
 * that grows with the value and no faster.
 */
const formats = {
  digits: pattern(/^[0-9]+$/, 'must be digits'),
  hex: pattern(/^[0-9a-f]+$/, 'must be hexadecimal in lower case'),
  'letters-digits': pattern(/^[A-Za-z0-9]+$/, 'must be letters and digits of ASCII'),
  identifier: pattern(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, dot, underscore and hyphen of ASCII'),
  uuid: pattern(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a UUID in lower case'),
  'dns-name': { fault: (value) => dnsNameFault(value) },
  email: { fault: emailFault },
} as const satisfies Readonly<Record<string, Format>>;

export type FieldFormat = keyof typeof formats;
export const fieldFormats = Object.keys(formats) as readonly FieldFormat[];

/** Why this value does not have the format, or `undefined`. */
export function formatFault(format: FieldFormat, value: string): string | undefined {
  return formats[format].fault(value);
}
