import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { setJob } from '../harness/committed-run.ts';
import { connectTo } from '../harness/raw-http.ts';
import { selfSigned } from '../harness/self-signed.ts';
import { ask, serveFor, writeServe } from '../harness/serve-process.ts';
import { tempFolder } from '../harness/temp-job.ts';

const lmdb = (folder: string): object => ({ store: `lmdb:${folder}/sets` });
const KEYS = { keys: [{ id: 'a', sha256: 'ab'.repeat(32), scopes: ['lookup'] }] };

describe('starting the server', () => {
  it('--check validates the file, its jobs and its keys, and listens nowhere', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'keys.json'), JSON.stringify(KEYS));
    setJob(folder, { store: `lmdb:${folder}/sets`, set: 'things', ttl: '24h' });
    const things = { job: 'job.yaml', order: ['cache', 'stale'], maxAge: '36h', staleFor: '12h' };
    const file = writeServe(folder, { sets: { things }, auth: { keysFile: 'keys.json' } });
    const good = await prescore(['serve', file, '--check']);
    expect([good.code, good.stdout]).toEqual([0, `${file}: fine\n`]);
    expect(good.stderr).toContain('1d is less than maxAge + staleFor, 2d');
    const bad = await prescore([
      'serve',
      writeServe(folder, { sets: { s: { job: 'nowhere.yaml' } } }, 'bad.yaml'),
      '--check',
    ]);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('SPEC_NOT_FOUND')]);
    writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys: [{ ...KEYS.keys[0], sha256: 'short' }] }));
    const keys = await prescore(['serve', file, '--check']);
    expect([keys.code, keys.stderr]).toEqual([2, expect.stringMatching(/KEYS_FILE: sha256 is not 64 .*keys\[0\]/)]);
  });

  it('an address that others can reach needs keys, or a flag that is heard of', async () => {
    const folder = tempFolder();
    const listen = { host: '0.0.0.0', port: 0 };
    const file = writeServe(folder, { listen, sets: { s: lmdb(folder) } });
    const refused = await prescore(['serve', file]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('SERVE_UNPROTECTED')]);
    const open = await serveFor(file, ['--insecure-no-auth']);
    expect(open.lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toEqual([
      'no keys are asked for: everybody who can connect is answered',
    ]);
    const url = open.url.replace('0.0.0.0', '127.0.0.1');
    expect((await ask(`${url}/v1/predictions/s`, { key: 'k' }, { host: 'any.name' })).status).toBe(404);
  });

  it('a port that is taken is said in one line', async () => {
    const folder = tempFolder();
    const first = await serveFor(writeServe(folder, { sets: { s: lmdb(folder) } }));
    const listen = { port: Number(new URL(first.url).port) };
    const second = await prescore([
      'serve',
      writeServe(folder, { listen, sets: { s: lmdb(folder) } }, 'second.yaml'),
      '--log-level',
      'error',
    ]);
    expect([second.code, second.stderr]).toEqual([
      2,
      expect.stringMatching(/^USAGE: cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\).*\n$/),
    ]);
  });

  it('TLS, with a certificate of its own', async () => {
    const folder = tempFolder();
    mkdirSync(folder, { recursive: true });
    const at = (name: string): string => join(folder, name);
    const { cert: ca, key } = await selfSigned();
    writeFileSync(at('cert.pem'), ca);
    writeFileSync(at('key.pem'), key);
    const tls = { cert: 'cert.pem', key: 'key.pem' };
    const server = await serveFor(writeServe(folder, { tls, sets: { s: lmdb(folder) } }));
    expect(server.url).toMatch(/^https:/);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(`${server.url}/health/live`, { ca, servername: 'localhost' }, (answer) => resolve(answer.statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    // Plain HTTP at the TLS port is not answered, and harms nobody.
    const plain = connectTo(server.url.replace('https', 'http'));
    const closed = new Promise<void>((resolve) => plain.once('close', () => resolve()).on('error', () => undefined));
    plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await closed;
    expect(server.child.exitCode).toBeNull();
  });
});
