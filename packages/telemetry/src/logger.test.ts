import { SluiceError } from '@sluice/errors';
import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

function captured() {
  const lines: string[] = [];
  const log = createLogger(
    { service: 'signer', name: 'signer-1', level: 'info' },
    { write: (line) => void lines.push(line) },
  );
  return { log, lines };
}

describe('createLogger', () => {
  it('replaces secrets at every depth we log', () => {
    const { log, lines } = captured();
    const secrets = { authorization: 'S3', api_key: 'S3', password: 'S3', passphrase: 'S3', csr: 'S3' };
    log.info({ ...secrets, a: { ...secrets, b: { ...secrets, c: secrets } }, kept: 'yes' }, 'hello');
    expect(lines.join('')).not.toContain('S3');
    expect(lines.join('')).toContain('"kept":"yes"');
  });

  it('redacts the headers of a request and the facts of an error, and tells its code and cause', () => {
    const { log, lines } = captured();
    const err = new SluiceError('unavailable', 'Redis is away', {
      facts: { password: 'S3', port: 6379 },
      cause: new Error('ECONNREFUSED'),
    });
    log.error({ err, req: { headers: { authorization: 'Bearer S3' } } }, 'failed');
    const line = JSON.parse(lines[0] ?? '');
    expect(lines[0]).not.toContain('S3');
    expect(line).toMatchObject({
      level: 'error',
      service: 'signer',
      name: 'signer-1',
      msg: 'failed',
      err: { code: 'unavailable', facts: { port: 6379 }, cause: { message: 'ECONNREFUSED' } },
    });
  });
});
