import { SluiceError } from '@sluice/errors';
import { describe, expect, it } from 'vitest';
import { readRedisUrl } from './redis-address.js';

describe('readRedisUrl', () => {
  it.each([
    ['redis://127.0.0.1', { host: '127.0.0.1', port: 6379, db: 0 }, '127.0.0.1:6379/0'],
    ['redis://:p%40ss%2Fword@r:7000/3', { host: 'r', port: 7000, db: 3, password: 'p@ss/word' }, 'r:7000/3'],
    ['rediss://me:s@[::1]:1', { host: '::1', port: 1, db: 0, username: 'me', password: 's', tls: {} }, '::1:1/0'],
  ])('%s', (url, options, shown) => expect(readRedisUrl(url)).toEqual({ options, shown }));

  it.each(['', 'localhost:6379', 'http://:secret@h', 'redis://:secret@h/x'])('refuses %s without showing it', (url) => {
    let thrown: unknown;
    try {
      readRedisUrl(url);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SluiceError);
    expect(thrown).toMatchObject({ code: 'config-invalid' });
    expect(String(thrown)).not.toContain('secret');
  });
});
