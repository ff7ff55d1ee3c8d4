import { SluiceError } from '@sluice/errors';

/** DER of the one certificate in a file, PEM (RFC 7468) or DER. Throws `config-invalid` when there is not one. */
export function certificateIn(content: Uint8Array, file: string): Uint8Array {
  if (content[0] === 0x30) return content;
  const blocks = Buffer.from(content)
    .toString('latin1')
    .match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  const [block, ...more] = blocks ?? [];
  if (block === undefined || more.length > 0) {
    const holds = block === undefined ? 'no certificate, PEM or DER' : `${more.length + 1} certificates`;
    throw new SluiceError('config-invalid', `${file} holds ${holds}`, {
      facts: { what_to_do: 'Give a file with one certificate.' },
    });
  }
  return Buffer.from(block.replace(/-----[A-Z ]+-----/g, ''), 'base64');
}
