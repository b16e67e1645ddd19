import { describe, expect, it } from 'vitest';
import { folderLayout } from '../../../../src/job/draft/folder-layout.ts';
import { pathType } from '../../../../src/job/draft/path-type.ts';

const at = (uri: string, files: readonly string[]): ReturnType<typeof folderLayout> =>
  folderLayout(
    uri,
    '/lake/',
    files.map((file) => `/lake/${file}`),
  );

describe('what the folders of an input say', () => {
  it('one level of folders: partitions and a path column', () => {
    const found = at('lake', ['month=01/a.parquet', 'month=01/b.parquet', 'month=02/a.parquet']);
    expect(found).toEqual({
      uri: 'lake/month={partition}/',
      partitions: { values: ['01', '02'], folder: 'month={partition}' },
      pathColumns: { month: 'int32' },
      notes: [],
    });
  });

  it('several levels: the value spans them', () => {
    const found = at('lake/', ['year=2013/month=01/a.parquet', 'year=2013/month=02/a.parquet']);
    expect(found.uri).toBe('lake/year={partition}/');
    expect(found.partitions?.values).toEqual(['2013/month=01', '2013/month=02']);
    expect(found.pathColumns).toEqual({ year: 'int32', month: 'int32' });
  });

  it('a glob keeps its form; what cannot be said with one placeholder has no partitions', () => {
    expect(at('lake/day=*/*.parquet', ['day=2013-01-01/a.parquet']).uri).toBe('lake/day={partition}/*.parquet');
    const deep = at('lake/**/*.parquet', ['day=2013-01-01/a.parquet']);
    expect([deep.uri, deep.partitions, deep.pathColumns]).toEqual(['lake/**/*.parquet', null, { day: 'date' }]);
  });

  it('folders that are not everywhere the same, or no keys, say nothing', () => {
    for (const files of [['month=01/a.parquet', 'b.parquet'], ['raw/a.parquet'], ['a=1/x.parquet', 'b=1/x.parquet']]) {
      expect(at('lake', files)).toEqual({ uri: 'lake', partitions: null, pathColumns: {}, notes: [] });
    }
  });

  it('values that no partition may have: path columns only', () => {
    for (const value of ['a%3Ab', '__HIVE_DEFAULT_PARTITION__', 'a#b']) {
      const found = at('lake', [`k=${value}/a.parquet`, 'k=x/a.parquet']);
      expect([found.uri, found.partitions, found.pathColumns]).toEqual(['lake', null, { k: 'string' }]);
    }
    const many = at(
      'lake',
      Array.from({ length: 1001 }, (_, i) => `k=${i}/a.parquet`),
    );
    expect([many.partitions, many.pathColumns]).toEqual([null, { k: 'int32' }]);
  });

  it('a folder that holds other files beside its tables: only the tables', () => {
    const mixed = at('./', ['job.yaml', 'model.onnx', 'a.parquet', 'b.parquet']);
    expect(mixed.uri).toBe('./*.parquet');
    expect(mixed.notes[0]).toContain('job.yaml, model.onnx');
    expect(at('lake', ['m.onnx', 'x=1/a.parquet', 'x=2/a.parquet']).uri).toBe('lake/x={partition}/*.parquet');
    expect(at('lake', ['m.onnx', 'deep/a.parquet']).uri).toBe('lake/**/*.parquet');
    expect(at('lake', ['a.csv', 'b.csv']).uri).toBe('lake');
  });

  it.each([
    [['01', '12'], 'int32'],
    [['2013-01-01'], 'date'],
    [['2013-13-01'], 'string'],
    [['20130101000000'], 'int64'],
    [['EU', '1'], 'string'],
    [['1.5'], 'string'],
    [[], 'string'],
  ])('the type of %j is %s', (values, type) => {
    expect(pathType(values)).toBe(type);
  });
});
