// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates are what is refused here
/** The bad job files that the product is measured against; the numbers are those of the list of bad inputs. */
import { describe, expect, test } from 'vitest';
import { issueOf, issuesOf, jobText, parse, refusal, SHA256 } from './sample-job.ts';

test('C59 a syntax error names line and column', () => {
  const yaml = refusal('prescore: 1\nname: "a\nmodel: {');
  expect(yaml.code).toBe('SPEC_SYNTAX');
  expect(yaml.message).toMatch(/line \d+, column \d+/);
  const json = refusal('{\n  "prescore": 1,\n  "name": "x"\n  "model": 1 }');
  expect(json.code).toBe('SPEC_SYNTAX');
  expect(json.details.data).toMatchObject({ line: 4 });
  expect(refusal('').code).toBe('SPEC_SYNTAX');
  expect(refusal('\ta: 1').code).toBe('SPEC_SYNTAX');
  expect(refusal(`${jobText()}\n---\n${jobText()}`).message).toContain('more than one document');
  expect(refusal(`%YAML 1.1\n---\n${jobText()}`).message).toContain('1.2');
});

test('C60 an unknown key is refused with a suggestion', () => {
  expect(issueOf(jobText({ model: undefined, modle: { uri: 'm.onnx' } }))).toMatchObject({
    path: 'modle',
    suggestion: 'model',
  });
  expect(issueOf(jobText({ execution: { batch_rows: 5 } }))).toMatchObject({
    path: 'execution.batch_rows',
    suggestion: 'batchRows',
  });
  expect(issueOf(jobText({ zzz: 1 })).suggestion).toBeUndefined();
});

describe('C61 keys that reach into objects', () => {
  test.each(['__proto__', 'constructor', 'prototype'])('%s is refused wherever it stands', (key) => {
    for (const text of [
      `{"${key}": {"polluted": 1}, ${jobText().slice(1)}`,
      jobText().replace('"in/*.parquet"', `"in/*.parquet", "schema": {"${key}": "float"}`),
      jobText().replace('{"uri":"out"}', `{"uri":"out","${key}":1}`),
      `${jobText().slice(0, -1)}, "features": {"${key}": "a"}}`,
    ]) {
      expect(issueOf(text).what).toContain(`the key ${key}`);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('such names are fine as values', () => {
    expect(parse(jobText({ id: ['__proto__', 'constructor'] })).id).toEqual(['__proto__', 'constructor']);
  });
});

describe('C62 aliases', () => {
  test('a bomb is refused at once', () => {
    const lines = ['a: &a [1,1,1,1,1,1,1,1,1,1]'];
    for (let i = 1; i < 12; i++)
      lines.push(
        `${String.fromCharCode(97 + i)}: &${String.fromCharCode(97 + i)} [${Array(10)
          .fill(`*${String.fromCharCode(96 + i)}`)
          .join(',')}]`,
      );
    const started = performance.now();
    expect(refusal(lines.join('\n')).code).toBe('SPEC_TOO_LARGE');
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('depth through aliases counts', () => {
    const lines = ['a0: &a0 [1]'];
    for (let i = 1; i < 40; i++) lines.push(`a${i}: &a${i} [*a${i - 1}]`);
    expect(refusal(lines.join('\n')).code).toBe('SPEC_TOO_LARGE');
  });

  test('an alias of itself is refused', () => {
    expect(issuesOf('a: &a [*a]').map((issue) => issue.what)).toContain('is an alias of something that contains it');
  });

  test('plain reuse works', () => {
    const job = parse(
      `{prescore: 1, name: j, model: {uri: m.onnx}, input: {uri: in/*.x}, output: {uri: out}, id: &ids [a], features: {x: *ids}}`,
    );
    expect(job.features?.['x']).toMatchObject({ columns: ['a'] });
  });
});

describe('C63 size and depth', () => {
  test('50 MB, and one byte over the limit', () => {
    const started = performance.now();
    expect(refusal(`# ${'x'.repeat(50_000_000)}`).code).toBe('SPEC_TOO_LARGE');
    expect(performance.now() - started).toBeLessThan(500);
    const full = `${jobText()} #`;
    expect(parse(full.padEnd(2 ** 20, 'x')).name).toBe('flight-delay');
    expect(refusal(full.padEnd(2 ** 20 + 1, 'x')).code).toBe('SPEC_TOO_LARGE');
    expect(refusal(`${full.padEnd(2 ** 20 - 1, 'x')}é`).code).toBe('SPEC_TOO_LARGE');
  });

  test.each(['[', '{a: ', '- ', '? ', '{"a":[', '{[', '!!seq [', '&a ['])('10,000 levels of %s', (opener) => {
    expect(['SPEC_TOO_LARGE', 'SPEC_SYNTAX']).toContain(refusal(opener.repeat(10_000)).code);
  });

  test('32 levels are read, 33 are not', () => {
    const nested = (depth: number): string =>
      jobText({ features: { x: { value: 'V' } } }).replace('"V"', '['.repeat(depth) + 1 + ']'.repeat(depth));
    expect(parse(nested(29)).features?.['x']).toBeDefined();
    expect(refusal(nested(30)).code).toBe('SPEC_TOO_LARGE');
  });

  test('very many small things', () => {
    expect(refusal(`[${'1,'.repeat(400_000)}]`).code).toBe('SPEC_TOO_LARGE');
  });
});

describe('C64 batchRows', () => {
  test.each([
    ['0', 'is out of range'],
    ['-1', 'is out of range'],
    ['1.5', 'is not a whole number'],
    ['1000000000', 'is out of range'],
    ['1e9', 'is out of range'],
    ['1e400', 'is not a number that can be counted to'],
    ['99999999999999999999', 'is out of range'],
    ['"64"', 'is a text, not a number; write it without quotes'],
    ['.nan', 'is not a number that can be counted to'],
    ['.inf', 'is not a number that can be counted to'],
    ['NaN', 'is not a number'],
    ['true', 'is not a number'],
    ['null', 'is not a number'],
    ['', 'is not a number'],
    ['[64]', 'is not a number'],
  ])('%s: %s', (value, what) => {
    const text = `prescore: 1\nname: j\nmodel: {uri: m.onnx}\ninput: {uri: in/*.x}\noutput: {uri: out}\nexecution:\n  batchRows: ${value}\n`;
    expect(issueOf(text)).toMatchObject({
      path: 'execution.batchRows',
      what,
      line: 7,
      expected: 'auto, or a whole number from 1 to 1048576',
    });
  });

  test.each([1, 64, 2 ** 20])('%d is taken', (batchRows) => {
    expect(parse(jobText({ execution: { batchRows } })).execution.batchRows).toBe(batchRows);
  });
});

test('C65 1,000 threads are refused with the range', () => {
  expect(issueOf(jobText({ execution: { intraOpThreads: 1000 } }))).toMatchObject({
    expected: 'a whole number from 1 to 256',
    got: '1000',
  });
  expect(issueOf(jobText({ execution: { scorers: 1000 } })).path).toBe('execution.scorers');
});

describe('C68 output and input in one place', () => {
  test.each([
    ['in/*.parquet', 'in', 'is the place of the input'],
    ['in/', 'in/', 'is the place of the input'],
    ['in', 'in', 'is the place of the input'],
    ['in/*.parquet', 'in/out', 'lies inside what the input lists'],
    ['in/**', 'in/a/b/c', 'lies inside what the input lists'],
    ['s3://lake/*', 's3://lake/out', 'lies inside what the input lists'],
    ['in/deep/*.parquet', 'in', 'holds the input'],
    ['in/a.parquet', 'in', 'holds the input'],
    ['in-*/x.parquet', 'in-out', 'lies inside what the input lists'],
  ])('%s and %s', (input, output, what) => {
    const error = refusal(jobText({ input: { uri: input }, output: { uri: output } }));
    expect(error.code).toBe('OUTPUT_OVERLAPS_INPUT');
    expect(issueOf(jobText({ input: { uri: input }, output: { uri: output } })).what).toBe(what);
  });

  test.each([
    ['in/*.parquet', 'input/x'],
    ['in/a.parquet', 'in/a.parquet.out'],
    ['in/a.parquet', 'in/a'],
    ['data/in/*.parquet', 'data/out'],
    ['s3://lake/in/*', 's3://lake/out'],
  ])('%s and %s are apart', (input, output) => {
    expect(parse(jobText({ input: { uri: input }, output: { uri: output } })).output.uri).toContain(output);
  });

  const partitions = { values: ['01', '02', 'scored'] };
  test.each([
    ['t/m={partition}/*.parquet', 't/m={partition}', true],
    ['t/m={partition}/*.parquet', 't/m={partition}/out', true],
    ['t/{partition}/*.parquet', 't/scored/{partition}', true],
    ['t/m={partition}/*.parquet', 't/scored/m={partition}', false],
    ['t/*/x.parquet', 't/n={partition}', true],
    ['in/m={partition}/*.parquet', 'out/m={partition}', false],
    ['t/m={partition}/*.parquet', 't/m={partition}-out', false],
  ])('with partitions: %s and %s', (input, output, overlaps) => {
    const text = jobText({ partitions, input: { uri: input }, output: { uri: output } });
    if (overlaps) expect(refusal(text).code).toBe('OUTPUT_OVERLAPS_INPUT');
    else expect(parse(text).partitions).not.toBeNull();
  });

  test('every input of a list is looked at', () => {
    expect(issueOf(jobText({ input: { uri: ['a/*.x', 'out/b/*.x'] } })).code).toBe('OUTPUT_OVERLAPS_INPUT');
  });
});

test('C70 URIs that cannot be used are problems of the file', () => {
  expect(issueOf(jobText({ input: { uri: '../../etc/*.parquet' } }))).toMatchObject({
    code: 'URI_INVALID',
    path: 'input.uri',
  });
  expect(issueOf(jobText({ model: { uri: 'file://host/m.onnx' } }))).toMatchObject({
    code: 'URI_INVALID',
    path: 'model.uri',
  });
  expect(refusal(jobText({ model: { uri: 'https://x/m.onnx' } })).code).toBe('SPEC_INVALID');
});

describe('C71 endpoints', () => {
  const endpointJob = (endpoint: string): string => jobText({ stores: { main: { endpoint } } });

  test.each([
    'http://169.254.169.254',
    'http://169.254.1.1:9000',
    'http://2852039166',
    'http://0xa9fea9fe',
    'http://0251.0376.0251.0376',
    'http://0xa9.254.43518',
    'http://169.254.169.254.',
    'http://[::ffff:169.254.169.254]',
    'http://[::ffff:a9fe:a9fe]:80',
    'http://[::a9fe:a9fe]',
    'http://[::ffff:0:a9fe:a9fe]',
    'http://[64:ff9b::a9fe:a9fe]',
    'http://[2002:a9fe:a9fe::]',
    'http://[fe80::1]',
    'http://[febf::1]',
    'http://[fd00:ec2::254]',
    'http://metadata.google.internal',
    'http://METADATA.google.internal.',
    'http://100.100.100.200',
    'http://１６９.254.169.254',
  ])('%s is a metadata address', (endpoint) => {
    expect(issueOf(endpointJob(endpoint))).toMatchObject({
      path: 'stores.main.endpoint',
      what: 'is a link-local or metadata address',
    });
  });

  test.each([
    'ftp://x',
    'http://',
    'localhost:9000',
    'http://h/path',
    'http://h?x=1',
    'http://h#f',
    'http://${HOST}',
    'http://{partition}',
    'http://h:99999',
    '//h',
  ])('%s is no endpoint', (endpoint) => expect(issueOf(endpointJob(endpoint)).path).toBe('stores.main.endpoint'));

  test.each([
    'http://127.0.0.1:9000',
    'http://localhost:9000',
    'http://10.0.0.5',
    'https://[::1]:9000',
    'https://s3.example.org/',
    'http://[fec0::1]',
    'http://[fd00::1]',
  ])('%s is fine: it is explicit configuration', (endpoint) =>
    expect(parse(endpointJob(endpoint)).stores['main']?.endpoint).toBe(endpoint),
  );
});

test.each(['../x', '', 'Upper', 'a'])('C72 bucket %j', (bucket) => {
  expect(issueOf(jobText({ stores: { cold: { buckets: [bucket] } } })).path).toBe('stores.cold.buckets[0]');
  if (bucket !== 'a')
    expect(issueOf(jobText({ model: { uri: `s3://${bucket}/m.onnx` } }))).toMatchObject({ code: 'URI_INVALID' });
});

test('C73 a hostile pattern is just text, or refused', () => {
  expect(parse(jobText({ input: { uri: 'in/(a+)+$' } })).input.uris).toEqual(['file:///base/in/(a+)+$']);
  expect(issueOf(jobText({ input: { uri: 'in/[a' } })).what).toBe('has [ without ]');
  expect(issueOf(jobText({ input: { uri: 'in/{a,b}/x' } })).what).toContain('template');
});

describe('C74 templates are never expanded', () => {
  test.each(['${env:SECRET}', '${HOME}/x', '{{x}}', '{other}', '{Partition}', '{ partition }', '}{'])(
    '%s in a URI is refused',
    (text) => {
      for (const [key, value] of Object.entries({
        model: { uri: text },
        input: { uri: text },
        output: { uri: text },
        state: text,
      })) {
        expect(issueOf(jobText({ [key]: value })).what).toContain('holds a template');
      }
    },
  );

  test('in a text that is no URI they are kept as they are', () => {
    const text = '${env:SECRET} {{x}} %PATH% $(id)';
    expect(parse(jobText({ model: { uri: 'm.onnx', version: text } })).model.version).toBe(text);
    expect(parse(jobText({ id: [text] })).id).toEqual([text]);
  });

  test('{partition} and partitions need each other', () => {
    expect(issueOf(jobText({ output: { uri: 'out/{partition}' } })).what).toContain('has no partitions');
    expect(issueOf(jobText({ input: { uri: 'in/{partition}' } })).what).toContain('has no partitions');
    expect(issueOf(jobText({ partitions: { values: ['a'] } })).what).toContain('lacks {partition}');
    expect(issueOf(jobText({ model: { uri: '{partition}.onnx' } })).what).toBe('must not hold {partition}');
    expect(issueOf(jobText({ state: 's/{partition}' })).what).toBe('must not hold {partition}');
    const bucket = jobText({ partitions: { values: ['a'] }, output: { uri: 's3://{partition}/x' } });
    expect(issueOf(bucket).what).toContain('bucket');
  });
});

describe('C77 credentials', () => {
  test.each([
    ['stores.main.secretKey', { stores: { main: { secretKey: 'hunter2' } } }],
    ['stores.main.accessKeyId', { stores: { main: { accessKeyId: 'hunter2' } } }],
    ['stores.main.aws-secret-access-key', { stores: { main: { 'aws-secret-access-key': 'hunter2' } } }],
    ['password', { password: 'hunter2' }],
    ['input.token', { input: { uri: 'x', token: 'hunter2' } }],
    ['predictions.password', { predictions: { password: 'hunter2' } }],
    ['predictions.store', { predictions: { store: 'redis://:hunter2@host:6379' } }],
    ['predictions.store', { predictions: { store: 'rediss+cluster://me:p/hunter2@h1,h2' } }],
    ['predictions.place', { predictions: { place: 'redis://:hunter2@host:6379' } }],
    ['model.uri', { model: { uri: 's3://key:hunter2@bucket/m.onnx' } }],
    ['input.uri[1]', { input: { uri: ['a', 'https://user:hunter2@host/x'] } }],
    ['output.uri', { output: { uri: 's3://b/o?X-Amz-Signature=hunter2' } }],
    ['stores.main.endpoint', { stores: { main: { endpoint: 'http://user:hunter2@host:9000' } } }],
    ['stores.main.endpoint', { stores: { main: { endpoint: 'http://hunter2@host:9000' } } }],
  ])('%s is refused, never shown, and told where to go', (path, replaced) => {
    const text = jobText(replaced);
    const error = refusal(text);
    expect(error.code).toBe('SPEC_SECRET');
    expect(JSON.stringify([error.message, error.details])).not.toContain('hunter2');
    const login = /^predictions|sets|stream/.test(path) ? 'PRESCORE_REDIS_PASSWORD' : 'AWS_SECRET_ACCESS_KEY';
    expect(error.message).toContain(login);
    expect(error.message.includes('AWS')).toBe(login.startsWith('AWS'));
    expect(
      issuesOf(text)
        .filter((issue) => issue.code === 'SPEC_SECRET')
        .map((issue) => issue.path),
    ).toEqual([path]);
  });

  test('columns and tensors may have such names', () => {
    const job = parse(
      jobText({ features: { token: 'password', secret: { value: 1 } }, outputs: { password: 'token' }, id: ['user'] }),
    );
    expect(Object.keys(job.features ?? {})).toEqual(['token', 'secret']);
  });
});

test('C78 a newer format says which version it needs, and nothing else', () => {
  const error = refusal(`{"prescore": 2, "unheardOf": ${JSON.stringify({ model: SHA256 })}}`);
  expect(error.code).toBe('SPEC_VERSION');
  expect(error.message).toContain('version 2');
  expect(issueOf(jobText({ prescore: '1' })).path).toBe('prescore');
  expect(issueOf(jobText({ prescore: 0 })).path).toBe('prescore');
  expect(issueOf(jobText({ prescore: undefined }))).toMatchObject({ path: 'prescore', what: 'is missing' });
});
