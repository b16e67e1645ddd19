import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { OVERLAY_GROUPS, overlayGroup, pageKey, setOfPointer } from '../../../../src/sets/redis/key-layout.ts';
import { parseRedisUrl } from '../../../../src/sets/redis/redis-address.ts';
import { errorText, isPassing, redisError } from '../../../../src/sets/redis/redis-errors.ts';

describe('store URLs', () => {
  it.each([
    ['redis://cache', 'standalone', false, ['cache:6379'], 0, null],
    ['redis://127.0.0.1:7000/', 'standalone', false, ['127.0.0.1:7000'], 0, null],
    ['rediss://[::1]:7000/15', 'standalone', true, ['::1:7000'], 15, null],
    ['redis+cluster://a:1,b-2.example.org:2', 'cluster', false, ['a:1', 'b-2.example.org:2'], 0, null],
    ['rediss+cluster://a', 'cluster', true, ['a:6379'], 0, null],
    ['redis+sentinel://a,b:2/main/3', 'sentinel', false, ['a:26379', 'b:2'], 3, 'main'],
    ['rediss+sentinel://a/main', 'sentinel', true, ['a:26379'], 0, 'main'],
  ])('%s', (url, kind, isTls, endpoints, db, primaryName) => {
    const address = parseRedisUrl(url);
    expect(address).toMatchObject({ kind, isTls, db, primaryName, url, credentials: {} });
    expect(address.endpoints.map(({ host, port }) => `${host}:${port}`)).toEqual(endpoints);
  });

  it.each([
    'http://a',
    'redis:a',
    'redis://',
    'redis://a,b/0',
    'redis://a:0',
    'redis://a:65536',
    'redis://a:b',
    'redis://a/x',
    'redis://a/0/1',
    'redis://a/0?tls=1',
    'redis://a b',
    'redis+cluster://a/1',
    'redis+cluster://a,,b',
    'redis+sentinel://a',
    'redis+sentinel://a/',
    'redis+sentinel://a/main/x',
  ])('refuses %s', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(expect.objectContaining({ code: 'PREDICTIONS_CONFIG' }));
  });

  it('takes user and password from the URL only when allowed, and never shows them', () => {
    const url = 'rediss://us%40er:p%2Fa@s:s@host:1/0';
    expect(() => parseRedisUrl(url)).toThrow(/do not belong/);
    const address = parseRedisUrl(url, { allowUserInfo: true });
    expect(address.credentials).toEqual({ username: 'us@er', password: 'p/a@s:s' });
    expect(address.url).toBe('rediss://host:1/0');
    const given = parseRedisUrl(url, { allowUserInfo: true, credentials: { password: 'other', username: '' } });
    expect(given.credentials).toEqual({ username: 'us@er', password: 'other' });
    for (const bad of [
      'redis://u:secret@h:x',
      'redis://u:secret%ZZ@h',
      'redis://u:secret@h/0?x',
      'redis://u:sec ret@h',
    ]) {
      let error: unknown = null;
      try {
        parseRedisUrl(bad);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: 'PREDICTIONS_CONFIG' });
      expect(inspect(error, { depth: 9 })).not.toMatch(/secret|sec ret/);
    }
  });
});

describe('errors of the client', () => {
  it.each([
    ['OOM command not allowed', 'PREDICTIONS_FULL', false],
    ['MISCONF Redis is configured to save RDB snapshots', 'PREDICTIONS_FULL', false],
    ["READONLY You can't write against a read only replica.", 'PREDICTIONS_READONLY', false],
    ["NOPERM this user has no permissions to run the 'set' command", 'PREDICTIONS_DENIED', false],
    ['LOADING Redis is loading the dataset in memory', 'PREDICTIONS_UNAVAILABLE', true],
    ['CLUSTERDOWN Hash slot not served', 'PREDICTIONS_UNAVAILABLE', true],
    ['MASTERDOWN Link with MASTER is down', 'PREDICTIONS_UNAVAILABLE', true],
    ['WRONGTYPE Operation against a key', 'PREDICTIONS_CONFIG', false],
    ["ERR unknown command 'HGETDEL'", 'PREDICTIONS_CONFIG', false],
    ['connect ECONNREFUSED 127.0.0.1:1', 'PREDICTIONS_UNAVAILABLE', true],
    ['something unheard of', 'PREDICTIONS_UNAVAILABLE', false],
  ])('%s', (text, code, passes) => {
    const error = Object.assign(new Error(text), { command: { name: 'auth', args: ['secret'] } });
    expect(redisError(error, 'redis://h').code).toBe(code);
    expect(isPassing(error)).toBe(passes);
    expect(inspect(redisError(error, 'redis://h'), { depth: 9 })).not.toContain('secret');
  });

  it('finds the first of several causes', () => {
    const refused = Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' });
    expect(errorText(new AggregateError([refused], ''))).toBe('ECONNREFUSED: connect failed');
    expect(isPassing(new AggregateError([refused], ''))).toBe(true);
  });
});

describe('keys', () => {
  it('are spread over slots and groups, and told apart', () => {
    expect(pageKey('flight-delay', 7, 123)).toBe('prescore:flight-delay:g7:123');
    expect(() => pageKey('a:b', 1, 1)).toThrow(/name of a prediction set/);
    expect(setOfPointer('prescore:a.b-c_d:ptr')).toBe('a.b-c_d');
    for (const key of ['prescore:a:b:ptr', 'prescore:.a:ptr', 'prescore::ptr', 'x:a:ptr'])
      expect(setOfPointer(key)).toBeNull();
    expect(OVERLAY_GROUPS).toBe(1024);
    // zlib.crc32(b'123456789') % 1024
    expect(overlayGroup(Buffer.from('123456789'))).toBe(0xcbf43926 % 1024);
  });
});
