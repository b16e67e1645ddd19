import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { ask, serveFor, writeServe } from '../harness/serve-process.ts';
import { writeStream } from '../harness/stream-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const folder = suiteFolder();
const store = `lmdb:${join(folder, 'sets')}`;
/** Nobody is there: what is refused is refused before a Redis is asked. */
const REDIS = 'redis://127.0.0.1:1/0';
const computed = { columns: { twice: 'c2 * 2' }, features: { x: { columns: ['c0', 'c1', 'twice'] } } };
const input = join(folder, 'in.parquet');

beforeAll(() => writeTables({ [input]: 10 }));

describe('services of a job with expressions', () => {
  it.each([
    ['where', { where: 'id > 3' }, /filters its rows by where/],
    ['columns', computed, /are computed by its columns \(twice\)/],
  ])('serve what it published by key, and refuse live answers and streams: %s', async (name, changes, says) => {
    const job = await tinyJob(
      folder,
      input,
      { name, predictions: { store, key: 'id' }, output: { uri: join(folder, name) }, ...changes },
      `${name}.yaml`,
    );
    expect((await prescore(['run', job])).code).toBe(0);
    const server = await serveFor(
      writeServe(folder, { sets: { [name]: { job, order: ['cache'] } } }, `${name}-s.yaml`),
    );
    const y = name === 'where' ? 5 + 5 + 2 : 5 + 5 + 2 * 2;
    expect(await ask(`${server.url}/v1/predictions/${name}`, { key: 5 })).toMatchObject({
      status: 200,
      body: { source: 'cache', values: { y } },
    });
    if (name === 'where') expect((await ask(`${server.url}/v1/predictions/${name}`, { key: 3 })).status).toBe(404);
    const live = writeServe(folder, { sets: { [name]: { job } } }, `${name}-live.yaml`);
    const stream = writeStream(folder, await withStore(name, changes), REDIS);
    for (const args of [
      ['serve', live],
      ['serve', live, '--check'],
      ['stream', stream],
    ]) {
      const refused = await prescore(args);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(says)]);
      expect(refused.stderr).toMatch(/^SPEC_INVALID: .*order: \[cache\]/);
    }
  });

  it('answer live where no feature is computed', async () => {
    const changes = { columns: { route: "'k' || id" }, passthrough: ['route'], predictions: { store, key: 'route' } };
    const job = await tinyJob(
      folder,
      input,
      { name: 'key', output: { uri: join(folder, 'key') }, ...changes },
      'key.yaml',
    );
    expect((await prescore(['run', job])).code).toBe(0);
    const server = await serveFor(writeServe(folder, { sets: { key: { job } } }, 'key-s.yaml'));
    const url = `${server.url}/v1/predictions/key`;
    expect((await ask(url, { key: 'k5' })).body).toMatchObject({ source: 'cache', values: { y: 12 } });
    const features = { c0: 1, c1: 2, c2: 3 };
    expect((await ask(url, { key: 'k77', features })).body).toMatchObject({ source: 'live', values: { y: 6 } });
  });
});

function withStore(name: string, changes: object): Promise<string> {
  return tinyJob(folder, input, { name, predictions: { store: REDIS, key: 'id' }, ...changes }, `${name}-stream.yaml`);
}
