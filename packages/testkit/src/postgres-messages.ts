/** PostgreSQL's frontend/backend protocol, as far as a wire must read it (documentation, chapter "Message Formats"). */

/** Cuts what comes into whole messages. A client's first one, its login, has no type before its length. */
export function createSplitter(first?: 'with login'): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  let lengthAt = first === undefined ? 1 : 0;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole: Buffer[] = [];
    while (rest.length >= lengthAt + 4) {
      const end = lengthAt + rest.readInt32BE(lengthAt);
      if (rest.length < end) break;
      whole.push(rest.subarray(0, end));
      rest = rest.subarray(end);
      lengthAt = 1;
    }
    return whole;
  };
}

export function typeOf(message: Buffer): string {
  return String.fromCharCode(message[0] ?? 0);
}

/** The role in a StartupMessage: pairs of strings after length and version. */
export function loginOf(message: Buffer): string {
  const words = message.subarray(8).toString('utf8').split('\0');
  return words[words.indexOf('user') + 1] ?? '';
}

/** The prepared statement that a Bind among these messages names: after the type, the length and the portal's name. */
export function statementOf(messages: readonly Buffer[]): string {
  const bind = messages.find((message) => typeOf(message) === 'B');
  return bind?.subarray(5).toString('latin1').split('\0', 2)[1] ?? '';
}

export function errorResponse(sqlState: string, text: string): Buffer {
  const fields = Buffer.from(`SERROR\0VERROR\0C${sqlState}\0M${text}\0\0`);
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + fields.length);
  return Buffer.concat([Buffer.from('E'), length, fields]);
}
