/** ` quarantined (missing on hsm-a)`, ` quarantined on hsm-a`, or nothing: for behind the state of a CA. */
export function quarantineText(ca: {
  readonly quarantined: boolean;
  readonly quarantined_tokens: readonly string[];
}): string {
  const tokens = ca.quarantined_tokens.join(', ');
  if (ca.quarantined) return tokens === '' ? ' quarantined' : ` quarantined (missing on ${tokens})`;
  return tokens === '' ? '' : ` quarantined on ${tokens}`;
}
