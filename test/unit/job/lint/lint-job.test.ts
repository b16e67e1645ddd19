import { describe, expect, test } from 'vitest';
import { issueOf, issuesOf, jobText, parse } from '../parse/sample-job.ts';

describe('columns of the output', () => {
  test.each([
    ['id and passthrough', { id: ['a'], passthrough: ['a'] }, 'passthrough[0]'],
    ['case only', { id: ['Key'], passthrough: ['kEY'] }, 'passthrough[0]'],
    ['id and outputs', { id: ['a'], outputs: { A: 't' } }, 'outputs.A'],
    ['lineage', { passthrough: ['Run_Id'], output: { uri: 'out', lineage: true } }, 'passthrough[0]'],
    ['outputs among themselves', { outputs: { p: 't', P: 't' } }, 'outputs.P'],
    ['one list', { id: ['a', 'a'] }, 'id[1]'],
  ])('two of one name: %s', (_, replaced, path) => {
    expect(issuesOf(jobText(replaced)).map((issue) => issue.path)).toContain(path);
  });

  test('lineage names are free without lineage', () => {
    expect(parse(jobText({ id: ['run_id'] })).id).toEqual(['run_id']);
  });

  test.each([
    [{ tensor: 't', index: 1, argmax: true }, 'outputs.p', 'has both index and argmax'],
    [{ tensor: 't', labels: ['a'] }, 'outputs.p.labels', 'has no meaning without argmax: true'],
    [{ tensor: 't', argmax: true, labels: ['a', 1] }, 'outputs.p.labels[1]', 'mixes texts and numbers'],
    [{ index: 1 }, 'outputs.p', 'lacks the key that says what it is'],
    [{ tensor: 't', index: -1 }, 'outputs.p.index', 'is out of range'],
  ])('%j', (output, path, what) => {
    expect(issueOf(jobText({ outputs: { p: output } }))).toMatchObject({ path, what });
  });
});

describe('features', () => {
  test.each([
    [{}, 'features.x', 'lacks the key that says what it is'],
    [{ columns: ['a'], value: 1 }, 'features.x', 'has keys that exclude each other'],
    [{ value: 1, nulls: 'nan' }, 'features.x.nulls', 'has no meaning beside value'],
    [{ columns: [] }, 'features.x.columns', 'has the wrong length'],
    [{ columns: ['a'], nulls: 'zero' }, 'features.x.nulls', 'is not a null policy'],
    [{ columns: ['a'], nulls: { fill: [1] } }, 'features.x.nulls', 'has a fill that is not a single value'],
    [{ value: [] }, 'features.x.value', 'is an empty list'],
    [{ value: null }, 'features.x.value', 'is not a single value'],
    [5, 'features.x', 'must be a map'],
    [{ columns: [5] }, 'features.x.columns[0]', 'is not a text; put it in quotes: "5"'],
  ])('%j', (feature, path, what) => {
    expect(issueOf(jobText({ features: { x: feature } }))).toMatchObject({ path, what });
  });

  test('a number that would come back as another one is refused', () => {
    const text = (value: string): string => jobText({ features: { x: { value: 'V' } } }).replace('"V"', value);
    expect(issueOf(text('9007199254740993')).what).toBe('has too many digits to be kept exactly');
    expect(issueOf(text('.nan')).what).toBe('is not a finite number');
    expect(issueOf(text('1e999')).what).toBe('is not a finite number');
    expect(parse(text('9007199254740991')).features).toEqual({ x: { kind: 'value', value: 9007199254740991 } });
    // 2^53, and a double as JSON writes it.
    expect(parse(text('9007199254740992')).features).toEqual({ x: { kind: 'value', value: 2 ** 53 } });
    expect(parse(text('123456789012345680000')).features).toEqual({
      x: { kind: 'value', value: 123456789012345680000 },
    });
    expect(parse(text('0x1F')).features).toEqual({ x: { kind: 'value', value: 31 } });
  });
});

describe('partitions', () => {
  const output = { uri: 'out/{partition}' };
  const every = (replaced: object): string =>
    jobText({ output, partitions: { every: 'day', format: '%Y-%m-%d', start: '2013-01-01', ...replaced } });

  test('by the clock', () => {
    expect(parse(every({})).partitions).toEqual({
      kind: 'every',
      every: 'day',
      format: '%Y-%m-%d',
      start: '2013-01-01',
    });
    const yaml = '{every: hour, format: "%Y/%m/%d/%H", start: 2013-01-01T06:00:00Z}';
    expect(parse(jobText({ output, partitions: 'P' }).replace('"P"', yaml)).partitions).toMatchObject({
      start: '2013-01-01T06:00:00Z',
    });
  });

  test.each([
    [{ format: '%Y-%m' }, 'partitions.format', 'gives two partitions one value; for every: day it lacks %d'],
    [{ format: '%Y-%j' }, 'partitions.format', 'holds %j; only %Y %m %d %H are known'],
    [{ format: 'daily' }, 'partitions.format', 'does not have the right form'],
    [
      { format: '_%Y%m%d' },
      'partitions.format',
      'gives an output folder that starts with _ or . and is passed over by readers',
    ],
    [{ start: '2013-02-30' }, 'partitions.start', 'is not a date that exists'],
    [{ start: '2013-01-01T06:00:00Z' }, 'partitions.start', 'is not the start of a day in UTC'],
    [{ start: '2013-01-01T00:00:00+02:00' }, 'partitions.start', 'is not the start of a day in UTC'],
    [{ every: 'week' }, 'partitions.every', 'is not one of the known words'],
    [{ start: undefined }, 'partitions.start', 'is missing'],
    [{ values: ['a'] }, 'partitions', 'has keys that exclude each other'],
  ])('%j', (replaced, path, what) => {
    expect(issueOf(every(replaced))).toMatchObject({ path, what });
  });

  test.each([
    ['', 'is empty'],
    ['a/../b', 'has an empty, . or .. path segment'],
    ['/a', 'has an empty, . or .. path segment'],
    ['..', 'has an empty, . or .. path segment'],
    ['a*', 'does not have the right form'],
    ['{partition}', 'does not have the right form'],
    ['a%2Fb', 'does not have the right form'],
    ['a\nb', 'does not have the right form'],
    ['é'.repeat(40), 'is too long for a folder name'],
    ['\ud800', 'is not valid Unicode'],
    ['_prescore', 'gives an output folder that starts with _ or . and is passed over by readers'],
    ['a/.b', 'gives an output folder that starts with _ or . and is passed over by readers'],
  ])('value %j', (value, what) => {
    expect(issueOf(jobText({ output, partitions: { values: [value] } }))).toMatchObject({
      path: 'partitions.values[0]',
      what,
    });
  });

  test('an underscore within a segment is fine', () => {
    const job = parse(
      jobText({ output: { uri: 'out/m={partition}' }, partitions: { values: ['__HIVE_DEFAULT_PARTITION__', 'a b'] } }),
    );
    expect(job.partitions).toMatchObject({ values: ['__HIVE_DEFAULT_PARTITION__', 'a b'] });
  });

  test('no two of one value, and none inside another', () => {
    expect(issueOf(jobText({ output, partitions: { values: ['a', 'a'] } })).path).toBe('partitions.values[1]');
    expect(issueOf(jobText({ output, partitions: { values: ['a/b', 'a'] } })).what).toBe(
      'lies inside another partition',
    );
  });
});

describe('state', () => {
  test.each([
    [{ state: 'out' }, 'lies inside the output'],
    [{ state: 'out/state' }, 'lies inside the output'],
    [{ state: '/base' }, 'holds the output'],
    [{ state: 'in/state' }, 'lies inside what the input lists'],
  ])('%j', (replaced, what) => {
    expect(issueOf(jobText(replaced))).toMatchObject({ path: 'state', what });
  });

  test('in a partition folder, hidden or not', () => {
    const partitioned = { partitions: { values: ['a'] }, output: { uri: 'out/{partition}' } };
    expect(issueOf(jobText({ ...partitioned, state: 'out/a/_state' })).what).toBe(
      "lies inside the output's partition folders",
    );
    expect(parse(jobText({ ...partitioned, state: 'out/b/state' })).state).toBe('file:///base/out/b/state');
  });

  test.each(['out/_state', 'elsewhere', 'in/_state', 'outer'])('%s is fine', (state) => {
    expect(parse(jobText({ state })).state).toBe(`file:///base/${state}`);
  });
});

test('state beside a single input file whose name it starts with', () => {
  const text = jobText({ input: { uri: 'in/a' }, state: 'in/a.state' });
  expect(parse(text).state).toBe('file:///base/in/a.state');
});

describe('stores', () => {
  test.each([
    [{ cold: {} }, 'stores.cold', 'is never used'],
    [
      { main: { buckets: ['abc'] } },
      'stores.main.buckets',
      'is not for main, which serves every bucket that no other store names',
    ],
    [{ a: { buckets: ['abc'] }, b: { buckets: ['abc'] } }, 'stores.b.buckets[0]', 'is already served by another store'],
    [{ Main: {} }, 'stores.Main', 'has a key that does not have the right form'],
  ])('%j', (stores, path, what) => {
    expect(issuesOf(jobText({ stores }))[0]).toMatchObject({ path, what });
  });
});

test.each(['gpu', 'cuda:', 'cuda:-1', 'cuda:01', 'CPU', 'cuda:0,1'])('device %s is unknown', (device) => {
  expect(issueOf(jobText({ execution: { device } }))).toMatchObject({
    expected: 'auto | cpu | cuda | cuda:N | webgpu',
  });
});

test.each(['auto', 'cpu', 'cuda', 'cuda:0', 'cuda:15', 'webgpu'])('device %s', (device) => {
  expect(parse(jobText({ execution: { device } })).execution.device).toBe(device);
});

test.each([
  ['AB'.repeat(32), '64 lower-case hexadecimal digits'],
  ['ab', '64 lower-case hexadecimal digits'],
])('sha256 %s', (sha256, expected) => {
  expect(issueOf(jobText({ model: { uri: 'm.onnx', sha256 } }))).toMatchObject({ path: 'model.sha256', expected });
});

test('an input is listed once', () => {
  expect(issueOf(jobText({ input: { uri: ['a/*', 'a/*'] } })).what).toBe('stands in the list twice');
});
