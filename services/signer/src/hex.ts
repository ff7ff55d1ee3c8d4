/** Lower-case hex, as serials stand in logs and in the CLI. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
