import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { publishHere } from '../harness/publish-here.ts';
import { connectTo, rawHttp, statusIn } from '../harness/raw-http.ts';
import { ask, type ServeProcess, startServe, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

/* Group E: what clients send, by mistake or not. Each gets an answer that names no internals, and the process stays up. */

const SECRET = { lookup: 'key-of-dashboard', score: 'key-of-scorer', late: 'key-of-yesterday', few: 'key-of-one-set' };
const digest = (key: string): string => createHash('sha256').update(key).digest('hex');
const LIMITS = {
  body: 2048,
  keys: 4,
  rows: 2,
  depth: 5,
  string: 64,
  headers: '1KiB',
  headerTime: '400ms',
  requestTime: '800ms',
};

describe('HTTP inputs', () => {
  const folder = suiteFolder();
  const keysFile = join(folder, 'keys.json');
  let server: ServeProcess;
  let open: ServeProcess;
  const writeKeys = (keys: readonly object[]): void => {
    writeFileSync(`${keysFile}.new`, JSON.stringify({ keys }));
    renameSync(`${keysFile}.new`, keysFile);
  };
  const KEYS = [
    { id: 'dashboard', sha256: digest(SECRET.lookup), scopes: ['lookup'] },
    { id: 'scorer', sha256: digest(SECRET.score), scopes: ['score'] },
    { id: 'late', sha256: digest(SECRET.late), scopes: ['lookup'], expires: '2020-01-01T00:00:00Z' },
    { id: 'few', sha256: digest(SECRET.few), scopes: ['lookup'], sets: ['other'] },
  ];
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    const job = setJob(folder, { store: `lmdb:${folder}/sets`, set: 'things' });
    await commitRows(job, { parts: [`select 'k' || i as id, i::float as y from range(100) t(i)`] });
    await publishHere(job);
    const sets = { things: { store: `lmdb:${folder}/sets` }, other: { store: `lmdb:${folder}/sets` } };
    writeKeys(KEYS);
    const closed = { sets, auth: { keysFile }, limits: { ...LIMITS, idleTime: '2s' } };
    [server, open] = await Promise.all([
      startServe(writeServe(folder, closed)),
      startServe(writeServe(folder, { sets, hosts: ['predictions.test'], limits: { connections: 50 } }, 'open.yaml')),
    ]);
  });
  afterAll(async () => {
    expect(await Promise.all([server?.stop(), open?.stop()])).toEqual([0, 0]);
  });
  const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
  const path = '/v1/predictions/things';
  const post = (body: unknown, key = SECRET.lookup) => ask(`${server.url}${path}`, body, bearer(key));
  const send = async (text: string | Buffer, headers: Record<string, string> = {}) => {
    const all = { 'content-type': 'application/json', ...bearer(SECRET.lookup), ...headers };
    const response = await fetch(`${server.url}${path}`, { method: 'POST', body: text, headers: all });
    return {
      status: response.status,
      body: JSON.parse(await response.text()) as { error?: { code: string; message: string } },
    };
  };
  const head = (more: string, line = `POST ${path} HTTP/1.1`): string =>
    `${line}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${SECRET.lookup}\r\nContent-Type: application/json\r\n${more}\r\n`;

  it('98: no key, a wrong, an expired one 401; the wrong scope 403', async () => {
    expect((await post({ key: 'k1' })).body).toMatchObject({ values: { y: 1 } });
    for (const header of [
      {},
      bearer('wrong'),
      bearer(SECRET.late),
      bearer(''),
      { authorization: `Basic ${SECRET.lookup}` },
    ]) {
      const answer = await ask(`${server.url}${path}`, { key: 'k1' }, header);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
    expect(await post({ key: 'k1' }, SECRET.score)).toMatchObject({
      status: 403,
      body: { error: { code: 'HTTP_FORBIDDEN', message: 'this needs a key with the scope lookup' } },
    });
    // What exists is not told to those without a key.
    expect((await ask(`${server.url}/nothing`)).status).toBe(401);
  });

  it('98: keys change without a restart; a file that is broken changes nothing', async () => {
    const extra = { id: 'extra', sha256: digest('another-key'), scopes: ['lookup'] };
    expect((await post({ key: 'k1' }, 'another-key')).status).toBe(401);
    writeKeys([...KEYS, extra]);
    await expect
      .poll(async () => (await post({ key: 'k1' }, 'another-key')).status, { timeout: 6_000, interval: 200 })
      .toBe(200);
    writeFileSync(keysFile, '{"keys": [');
    await expect
      .poll(() => server.lines.some((l) => String(l['msg']).startsWith('the keys stay as they were')), {
        timeout: 6_000,
      })
      .toBe(true);
    expect((await post({ key: 'k1' }, 'another-key')).status).toBe(200);
  });

  it('99: a body over the cap is 413 before it is parsed, also in chunks without a length', async () => {
    const body = (bytes: number): string => '{"key":"k1"}'.padEnd(bytes, ' ');
    for (const [bytes, status] of [
      [2047, 200],
      [2048, 200],
      [2049, 413],
    ] as const) {
      expect((await send(body(bytes))).status).toBe(status);
      const chunk = `${bytes.toString(16)}\r\n${body(bytes)}\r\n0\r\n\r\n`;
      expect(
        statusIn(await rawHttp(server.url, [head('Transfer-Encoding: chunked\r\nConnection: close\r\n'), chunk])),
      ).toBe(status);
    }
    // Refused by its length alone: nothing of the body is ever sent.
    expect(statusIn(await rawHttp(server.url, [head('Content-Length: 1000000000\r\n')], 300))).toBe(413);
    // Broken JSON over the cap is too large, not broken.
    expect((await send('{'.padEnd(3000, '{'))).status).toBe(413);
  });

  it('100: a declared length that is not what comes', async () => {
    const short = await rawHttp(server.url, [head('Content-Length: 50\r\n'), '{"key":"k1"}']);
    expect(statusIn(short)).toBe(408);
    const long = await rawHttp(server.url, [
      head('Content-Length: 12\r\n'),
      '{"key":"k1"}',
      200,
      '\u0001garbage\r\n\r\n',
    ]);
    expect(long.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(statusIn(await rawHttp(server.url, [head('Content-Length: 12\r\nContent-Length: 13\r\n')]))).toBe(400);
    expect(statusIn(await rawHttp(server.url, [head('Content-Length: -1\r\n')]))).toBe(400);
  });

  it('101: headers and bodies that trickle in are 408', async () => {
    const started = performance.now();
    const slow = [...`GET ${path}/k1 HTTP/1.1\r\nX: `].flatMap((c) => [c, 30]);
    const [headers, body] = await Promise.all([
      rawHttp(
        server.url,
        [...slow, ...'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'].flatMap((c) => [c, 30]),
      ),
      rawHttp(
        server.url,
        [head('Content-Length: 100\r\n'), ...'{"key":"k1"}                    '].flatMap((c) => [c, 60]),
      ),
    ]);
    expect([statusIn(headers), statusIn(body)]).toEqual([408, 408]);
    expect(headers).toContain('"code":"HTTP_TIMEOUT"');
    expect(performance.now() - started).toBeLessThan(2_500);
  });

  it('102: a compressed body is refused, however small', async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    expect(bomb.length).toBeLessThan(2048);
    expect(await send(bomb, { 'content-encoding': 'gzip' })).toMatchObject({
      status: 415,
      body: { error: { code: 'HTTP_MEDIA_TYPE' } },
    });
    expect((await send('{"key":"k1"}', { 'content-encoding': 'identity' })).status).toBe(200);
  });

  it('103: JSON that is none, or that is a trap', async () => {
    const traps = [
      '',
      '{',
      '{"key":NaN}',
      '{"key":Infinity}',
      '{"key":"k1",}',
      "{'key':'k1'}",
      '{"key":"k1"} {}',
      // One byte order mark is passed over, two are not.
      '\u{feff}\u{feff}{"key":"k1"}',
    ];
    traps.push(
      '{"key":"k1","key":"k2"}',
      '{"key":"k1","\\u006bey":"k2"}',
      '{"__proto__":{"key":"k1"}}',
      '{"\\u005f_proto__":1,"key":"k1"}',
    );
    traps.push(
      '{"key":"k1","features":{"a":1,"a":2}}',
      '[1]',
      '"k1"',
      'null',
      '{}',
      '{"keys":{}}',
      '{"key":"k1","keys":[]}',
    );
    traps.push(
      '['.repeat(1000),
      `${'['.repeat(1000)}${']'.repeat(1000)}`,
      '{"key":"k1","more":1}',
      '{"key":"k1\u0001"}',
      '{"key":"\\x"}',
    );
    for (const text of traps) {
      const { status, body } = await send(text);
      expect([status, body.error?.code], text.slice(0, 40)).toEqual([400, 'HTTP_REQUEST']);
    }
    expect((await send(Buffer.from('{"key":"\xff"}', 'latin1'))).status).toBe(400);
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    const rows = (lists: number): unknown => ({ rows: [{ key: 'k1', features: { a: nested(lists) } }] });
    expect([(await post(rows(0))).status, (await post(rows(1))).status, (await post(rows(2))).status]).toEqual([
      200, 200, 400,
    ]);
    const text = (n: number): unknown => ({ key: 'k1', features: { a: 'x'.repeat(n) } });
    expect([(await post(text(63))).status, (await post(text(64))).status, (await post(text(65))).status]).toEqual([
      200, 200, 413,
    ]);
    // 22 characters of three bytes each are over it; 64 of one byte, escaped, are not.
    expect((await post({ key: 'k1', features: { a: '€'.repeat(22) } })).status).toBe(413);
    expect((await send(`{"key":"k1","features":{"a":"${'\\u0041'.repeat(64)}"}}`)).status).toBe(200);
  });

  it('104: rows: too many, none, and of the wrong kind', async () => {
    const rows = (n: number): unknown => ({ rows: Array.from({ length: n }, (_, i) => ({ key: `k${i}` })) });
    expect([(await post(rows(1))).status, (await post(rows(2))).status, (await post(rows(3))).status]).toEqual([
      200, 200, 413,
    ]);
    expect(await post({ rows: [] })).toMatchObject({ status: 200, body: { predictions: [] } });
    for (const row of [
      1,
      null,
      'k1',
      ['k1'],
      { key: 'k1', features: [1] },
      { key: 'k1', features: 'x' },
      { key: 'k1', feature: {} },
    ]) {
      const { status, body } = await post({ rows: [{ key: 'k1' }, row] });
      expect([status, (body['error'] as { code: string; where: string }).where]).toEqual([
        422,
        expect.stringMatching(/^rows\[1\]/),
      ]);
    }
  });

  it('105: an unknown set and one that the key may not name are answered alike', async () => {
    const answers = [];
    for (const set of ['nowhere', 'things', '../x', '__proto__', 'constructor'])
      answers.push(
        await ask(`${server.url}/v1/predictions/${encodeURIComponent(set)}`, { key: 'k1' }, bearer(SECRET.few)),
      );
    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect(body).toEqual({
        error: {
          code: 'HTTP_NOT_FOUND',
          message: 'There is nothing here. Check the path and the name in it.',
          requestId: expect.any(String),
        },
      });
    }
  });

  it('106: keys that could be something else', async () => {
    const bad = [
      '',
      'a\r\n',
      'a:b{c}\r\n',
      'a\0',
      '\u007f',
      1.5,
      2 ** 53,
      1e300,
      true,
      null,
      {},
      [],
      [[1]],
      '\ud800',
      ['a', 'b\n'],
    ];
    for (const key of bad)
      expect((await post({ key })).body, JSON.stringify(key)).toMatchObject({
        error: { code: 'KEY_INVALID', where: expect.stringMatching(/^key/) },
      });
    expect((await post({ keys: ['k1', 'a\n'] })).body).toMatchObject({
      error: { code: 'KEY_INVALID', where: 'keys[1]' },
    });
    for (const key of ['a:b{c}', '*', '%2F', '../../etc/passwd', '€', ' ', '🙂', 12345678901234567890n.toString()])
      expect((await ask(`${open.url}${path}`, { key })).body, key).toMatchObject({
        error: { code: 'PREDICTION_NOT_FOUND' },
      });
    const of = async (n: number): Promise<unknown> => (await ask(`${open.url}${path}`, { key: 'x'.repeat(n) })).status;
    expect([await of(1023), await of(1024), await of(1025), await of(60_000)]).toEqual([404, 404, 400, 400]);
    expect((await ask(`${open.url}${path}/${'%E2%82%AC'.repeat(341)}`)).status).toBe(404);
    expect((await ask(`${open.url}${path}/${'%E2%82%AC'.repeat(342)}`)).status).toBe(400);
  });

  it('107: too many keys in a lookup', async () => {
    const of = async (n: number): Promise<number> =>
      (await post({ keys: Array.from({ length: n }, (_, i) => `k${i}`) })).status;
    expect([await of(3), await of(4), await of(5)]).toEqual([200, 200, 413]);
    expect((await ask(`${open.url}${path}`, { keys: Array.from({ length: 1024 }, (_, i) => i) })).status).toBe(200);
    expect((await ask(`${open.url}${path}`, { keys: Array.from({ length: 1025 }, (_, i) => i) })).status).toBe(413);
  });

  it('108: other types, methods and paths', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/octet-stream',
      'multipart/form-data; boundary=x',
      'x',
      'application/jsonx',
    ])
      expect((await send('{"key":"k1"}', { 'content-type': type })).status, type).toBe(415);
    expect((await send('{"key":"k1"}', { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200);
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await fetch(`${open.url}${path}`, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    }
    expect((await fetch(`${open.url}${path}/k1`, { method: 'DELETE' })).headers.get('allow')).toBe('GET, HEAD');
    const paths = [
      '/',
      '//v1/predictions/things',
      '/v1//predictions/things',
      '/v1/predictions/things/',
      '/v1/predictions/%2e%2e/%2e%2e/etc',
      '/V1/predictions/things',
    ];
    paths.push(
      '/v1/predictions/%252e%252e',
      '/v1/predictions/things%2Fk1',
      '/%zz',
      '/v1/predictions/..%2f..%2fx',
      '/metrics',
      '/v1/predictions/things/k1/k2',
    );
    for (const p of paths) {
      const text = await rawHttp(open.url, [
        `POST ${p} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      ]);
      expect([p, statusIn(text)]).toEqual([
        p,
        p.endsWith('..%2fx') || p.endsWith('%252e%252e') || p.endsWith('%2Fk1')
          ? expect.toBeOneOf([400, 404])
          : expect.toBeOneOf([404, 405]),
      ]);
    }
  });

  it('109: another Host is 421, another origin 403, and nothing allows it', async () => {
    const of = async (host: string, more = ''): Promise<number | null> =>
      statusIn(
        await rawHttp(open.url, [`GET ${path}/k1 HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`]),
      );
    expect(
      await Promise.all(['localhost:1', '127.0.0.1', 'LOCALHOST', 'predictions.test', '[::1]:80'].map((h) => of(h))),
    ).toEqual([200, 200, 200, 200, 200]);
    expect(
      await Promise.all(['evil.test', '127.0.0.1.evil.test', 'localhost@evil', '', '10.0.0.1'].map((h) => of(h))),
    ).toEqual([421, 421, 421, 421, 421]);
    expect(statusIn(await rawHttp(open.url, [`GET ${path}/k1 HTTP/1.0\r\n\r\n`]))).toBe(421);
    expect([
      await of('localhost', 'Origin: https://evil.test\r\n'),
      await of('localhost', 'Origin: null\r\n'),
      await of('localhost', 'Origin: http://localhost\r\n'),
    ]).toEqual([403, 403, 200]);
    const preflight = await fetch(`${open.url}${path}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.test', 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, [...preflight.headers.keys()].filter((h) => h.startsWith('access-control'))]).toEqual([
      403,
      [],
    ]);
  });

  it('111: connections over the cap are closed; the others go on', async () => {
    const idle = Array.from({ length: 200 }, () => connectTo(open.url));
    const ended = idle.map(
      (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()).on('error', () => undefined)),
    );
    let closed = 0;
    for (const end of ended) void end.then(() => closed++);
    await expect.poll(() => closed, { timeout: 5_000 }).toBeGreaterThanOrEqual(150);
    expect(closed).toBeLessThanOrEqual(160);
    for (const socket of idle) socket.destroy();
    await expect
      .poll(async () => (await ask(`${open.url}${path}/k1`).catch(() => null))?.status, { timeout: 5_000 })
      .toBe(200);
  });

  it('112: two ways to say how long a body is', async () => {
    const both = await rawHttp(server.url, [
      head('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n'),
      '0\r\n\r\nGET /',
    ]);
    expect(both.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
    const odd = await rawHttp(server.url, [head('Transfer-Encoding: chunked, identity\r\n'), '0\r\n\r\n']);
    expect(statusIn(odd)).toBe(400);
    expect(statusIn(await rawHttp(server.url, [head('X: a\r\n  folded\r\nX : b\r\n')]))).toBe(400);
  });

  it('headers over the limit are 431', async () => {
    // Counted are the path, and the names and values.
    const headers = { host: 'localhost', connection: 'close', authorization: `Bearer ${SECRET.lookup}` };
    const counted = `${path}/k1${Object.entries(headers).flat().join('')}x`.length;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const of = async (bytes: number): Promise<number | null> =>
      statusIn(
        await rawHttp(server.url, [
          `GET ${path}/k1 HTTP/1.1\r\n${lines.join('')}x: ${'x'.repeat(bytes - counted)}\r\n\r\n`,
        ]),
      );
    expect([await of(1023), await of(1024), await of(1025)]).toEqual([200, 200, 431]);
  });

  it('113: health and metrics say nothing that is secret, and errors name no internals', async () => {
    const health = await ask(`${server.url}/health/ready`);
    expect([health.status, health.body]).toEqual([200, { status: 'ok' }]);
    const metrics = await (await fetch(`${server.metricsUrl}/metrics`)).text();
    const logs = JSON.stringify(server.lines);
    for (const secret of Object.values(SECRET)) {
      expect(metrics + logs).not.toContain(secret);
      expect(metrics + logs).not.toContain(digest(secret));
    }
    expect((await fetch(`${server.metricsUrl}/`)).status).toBe(404);
    // A store that is broken inside: the client is told that it is away, not where it is.
    const { body } = await ask(`${open.url}/v1/predictions/other`, { key: 'k1' });
    expect(JSON.stringify(body)).not.toContain(folder);
    expect((await ask(`${open.url}${path}/k1`)).headers.get('server')).toBeNull();
  });
});
