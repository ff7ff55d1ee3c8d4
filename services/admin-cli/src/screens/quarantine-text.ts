/** ` quarantined`, ` quarantined on hsm-a`, or nothing: for behind the state of a CA. */
export function quarantineText(ca: {
  readonly quarantined: boolean;
  readonly quarantined_tokens: readonly string[];
}): string {
  if (ca.quarantined) return ' quarantined';
  return ca.quarantined_tokens.length > 0 ? ` quarantined on ${ca.quarantined_tokens.join(', ')}` : '';
}
