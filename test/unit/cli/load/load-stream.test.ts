import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXAMPLE_STREAM } from '../../../../scripts/gen-docs.ts';
import { loadStream } from '../../../../src/cli/load/load-stream.ts';
import { parseStream } from '../../../../src/job/parse/parse-stream.ts';
import { setJob } from '../../../harness/committed-run.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

type Changes = Readonly<Record<string, unknown>>;

function load(changes: Changes = {}, predictions: Changes | null = {}) {
  const folder = tempFolder();
  const own = { store: 'redis://localhost:1/0', set: 's', ...predictions };
  const job = setJob(folder, own, predictions === null ? { predictions: undefined } : {});
  const path = join(folder, 'stream.yaml');
  const stream = { redis: 'redis://localhost:1/0', key: 'events' };
  writeFileSync(path, JSON.stringify({ 'prescore-stream': 1, job: 'job.yaml', stream, ...changes }));
  if (predictions === null) writeFileSync(job, JSON.stringify(withoutPredictions(job)));
  return loadStream(path);
}

function withoutPredictions(job: string): Changes {
  const file = { prescore: 1, name: 'set-job', model: { uri: '/none/model.onnx', sha256: 'ab'.repeat(32) } };
  return { ...file, input: { uri: '/none/input.parquet' }, output: { uri: `${job}-out` } };
}

describe('the stream file', () => {
  it('fills in what is left out', () => {
    const { config, job } = load();
    expect(job.name).toBe('set-job');
    expect(config).toMatchObject({
      stream: { redis: 'redis://localhost:1/0', key: 'events', group: 'prescore', from: 'beginning' },
      event: { key: null, features: null, time: null, ignore: [] },
      batch: { maxRows: 256, maxWaitMs: 50 },
      deadLetter: 'events:dead',
      retry: { claimAfterMs: 30_000, maxDeliveries: 5 },
    });
  });

  it('has an example that can be read', () => {
    const resolveUri = (text: string): string => `/jobs/${text}`;
    const config = parseStream(EXAMPLE_STREAM, { path: 'x', baseUri: '', resolveUri });
    expect(config).toMatchObject({ event: { features: 'payload', time: 'event_time' }, deadLetter: 'events:dead' });
  });

  const stream = { redis: 'redis://localhost:1/0', key: 'events' };
  it.each<[string, Changes, Changes | null, string, string]>([
    ['a job without a set', {}, null, 'SPEC_INVALID', 'has no predictions'],
    ['too many key fields', { event: { key: ['a', 'b'] } }, {}, 'SPEC_INVALID', 'another number of fields'],
    ['an unknown key', { event: { keys: 'a' } }, {}, 'SPEC_INVALID', 'event.keys'],
    ['a newer version', { 'prescore-stream': 2 }, {}, 'SPEC_VERSION', 'reads version 1'],
    ['dead letters in the stream', { deadLetter: 'events' }, {}, 'SPEC_INVALID', 'is the stream itself'],
    ['an LMDB as stream', { stream: { ...stream, redis: 'lmdb:x' } }, {}, 'SPEC_INVALID', 'is no Redis'],
    ['a password', { stream: { ...stream, redis: 'redis://u:p@h/0' } }, {}, 'SPEC_SECRET', 'stream.redis'],
    ['features that are the time', { event: { features: 'a', time: 'a' } }, {}, 'SPEC_INVALID', 'event.features'],
    ['a time that is ignored', { event: { time: 'a', ignore: ['a'] } }, {}, 'SPEC_INVALID', 'event.ignore'],
    ['batches without rows', { batch: { maxRows: 0 } }, {}, 'SPEC_INVALID', 'batch.maxRows'],
    ['a wait over a second', { batch: { maxWait: '2s' } }, {}, 'SPEC_INVALID', 'batch.maxWait'],
  ])('refuses %s', (_, changes, predictions, code, says) => {
    let error: unknown = null;
    try {
      load(changes, predictions);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code });
    expect(JSON.stringify((error as { details: unknown }).details)).toContain(says);
  });
});
