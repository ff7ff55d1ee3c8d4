const base64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$|^[A-Za-z0-9+/]{2}==$/;

/** The octets of a text that is base64, white space anywhere; `undefined` for any other. */
export function octetsOfBase64(text: string): Uint8Array | undefined {
  const compact = text.replace(/\s+/g, '');
  return base64.test(compact) ? Buffer.from(compact, 'base64') : undefined;
}

/** Reads texts that are PEM with one of these labels (RFC 7468), nothing before or after it, or base64 alone. */
export function pemReader(...labels: readonly string[]): (text: string) => Uint8Array | undefined {
  const label = labels.join('|');
  // One blank, not several: two patterns that both take blanks cost the square of their number.
  const pem = new RegExp(`^\\s*-----BEGIN (?:${label})-----\\s([A-Za-z0-9+/=\\s]+)-----END (?:${label})-----\\s*$`);
  return (text) => octetsOfBase64(pem.exec(text)?.[1] ?? text);
}
