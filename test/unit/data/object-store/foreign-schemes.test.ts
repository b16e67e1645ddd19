import { describe, expect, it } from 'vitest';
import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { parseUri, resolveUri } from '../../../../src/data/object-store/uri.ts';
import { parseJob } from '../../../../src/job/parse/parse-job.ts';

function fixOf(text: string): string {
  try {
    parseUri(text, '/work');
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'URI_INVALID') return error.fix;
    throw error;
  }
  return 'it was taken';
}

describe('places of other stores', () => {
  it.each([
    ['gs://lake/day/*.parquet', 's3://lake/day/*.parquet'],
    ['gs://lake/day/*.parquet', 'endpoint: "https://storage.googleapis.com"'],
    ['https://storage.googleapis.com/lake/x.parquet', 's3://lake/x.parquet'],
    ['https://lake.s3.eu-central-1.amazonaws.com/a/x.parquet', 's3://lake/a/x.parquet (region eu-central-1)'],
    ['https://lake.s3.amazonaws.com/a/x.parquet', 's3://lake/a/x.parquet'],
    ['https://s3.eu-west-1.amazonaws.com/lake/x.parquet', 's3://lake/x.parquet'],
    ['abfss://data@acc.dfs.core.windows.net/a/b', 'azcopy copy "https://acc.blob.core.windows.net/data/a/b"'],
    ['wasbs://data@acc.blob.core.windows.net/a', 'azcopy copy "https://acc.blob.core.windows.net/data/a"'],
    ['https://acc.blob.core.windows.net/data/a', 'azcopy copy "https://acc.blob.core.windows.net/data/a"'],
    ['https://example.org/m.onnx', 'curl -fLO "https://example.org/m.onnx"'],
    ['hdfs://nn/warehouse/t', 'hdfs dfs -get "hdfs://nn/warehouse/t"'],
    ['dbfs:/mnt/t', 'databricks fs cp -r "dbfs:/mnt/t"'],
    ['s3a://lake/x', 'Write s3://lake/x.'],
    ['r2://lake/x', 'r2.cloudflarestorage.com'],
  ])('%s: %s', (text, says) => {
    expect(fixOf(text)).toContain(says);
  });

  it('signs that a shell would read, and credentials, are not repeated', () => {
    for (const text of [
      'https://h/$(id)',
      'https://h/a"b',
      'https://u:secret@h/x',
      'https://h/x?X-Amz-Signature=1',
      'gs://b/`id`',
    ])
      expect(fixOf(text)).not.toMatch(/id\)|a"b|secret|Signature|`/);
  });

  it('a job file that names one is told the same, on its line', () => {
    const text = 'prescore: 1\nname: a\nmodel: { uri: m.onnx }\ninput: { uri: "gs://lake/x" }\noutput: { uri: out }\n';
    expect(() => parseJob(text, { path: 'job.yaml', baseUri: '/work', resolveUri })).toThrow(
      /^URI_INVALID|^SPEC_INVALID.*gs:\/\/ is not opened.*job\.yaml:4.*storage\.googleapis\.com/,
    );
  });
});
