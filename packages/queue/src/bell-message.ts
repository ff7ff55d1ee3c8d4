const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const shortUuid = /^[A-Za-z0-9_-]{22}$/;

/** Ids as one text: a UUID takes 22 characters (base64url) instead of 36; anything else goes as it is, behind `=`. */
export function encodeIds(ids: readonly string[]): string {
  return ids
    .map((id) => (uuid.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url') : `=${id}`))
    .join(',');
}

/** The ids in a message; what cannot be read is left out, because anybody who reaches Redis can publish. */
export function decodeIds(message: string): string[] {
  return message.split(',').flatMap((text) => {
    if (text.startsWith('=')) return [text.slice(1)];
    if (!shortUuid.test(text)) return [];
    const hex = Buffer.from(text, 'base64url').toString('hex');
    return [[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')];
  });
}
