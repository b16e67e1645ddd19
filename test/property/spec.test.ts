import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { isPrescoreError } from '../../src/base/errors/prescore-error.ts';
import { canonicalJson } from '../../src/job/slots/canonical-json.ts';
import { partitionFolder, partitionOfFolder } from '../../src/job/slots/partition-folder.ts';
import {
  addUnits,
  enumeratePartitions,
  findPartition,
  latestEnded,
  startOfUnit,
} from '../../src/job/slots/partitions.ts';
import { formatRunId, hashPartition, parseRunId } from '../../src/job/slots/run-id.ts';
import { compileGlob, globProblem } from '../../src/job/values/glob.ts';
import { formatInstant, parseInstant } from '../../src/job/values/instant.ts';
import { jobText, parse } from '../unit/job/parse/sample-job.ts';

/** A text is accepted or refused with a PrescoreError, within a second; nothing else happens to it. */
function survives(text: string): void {
  const started = performance.now();
  try {
    parse(text);
  } catch (error) {
    if (!isPrescoreError(error) || error.code === 'INTERNAL') throw error;
    expect(error.message).not.toContain('\n');
    expect(() => JSON.stringify(error.details)).not.toThrow();
  }
  expect(performance.now() - started).toBeLessThan(1000);
}

const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((text) => !/\0/.test(text) && text.isWellFormed());
const key = name.filter((text) => !['__proto__', 'constructor', 'prototype', '<<'].includes(text));

describe('any text', () => {
  test('of any characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), survives), { numRuns: 500 });
  });

  test('of YAML marks and job words', () => {
    const marks = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ': ',
      ',',
      '- ',
      '\n',
      '  ',
      '? ',
      '&a ',
      '*a',
      '!!str ',
      '!x ',
      '|\n',
      '>\n',
      '"',
      "'",
      '#',
      '---\n',
      '...\n',
      '%YAML 1.2\n',
      '<<: ',
      '~',
      '.nan',
      '1e9',
      '0x1',
      '\t',
      '@',
      '`',
      '\\',
      '__proto__',
    ];
    const words = [
      'prescore: 1',
      'name',
      'model',
      'uri',
      'input',
      'output',
      'features',
      'outputs',
      'partitions',
      'values',
      '{partition}',
      'execution',
      'batchRows',
      'state',
      '_prescore',
    ];
    const text = fc.array(fc.constantFrom(...marks, ...words), { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(fc.property(text, survives), { numRuns: 1000 });
  });

  test('of JSON with any values in any place', () => {
    const keys = fc.constantFrom(
      'uri',
      'format',
      'values',
      'every',
      'start',
      'columns',
      'value',
      'nulls',
      'fill',
      'tensor',
      'labels',
      'argmax',
      'buckets',
      'endpoint',
      'limit',
      'memory',
      'x',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom('{partition}', 'a/*.x', '1GiB', '60s', 'auto'),
        fc.dictionary(keys, tie('any'), { maxKeys: 4 }),
        fc.array(tie('any'), { maxLength: 3 }),
      ),
    })).any;
    const top = fc.constantFrom(
      'prescore',
      'name',
      'stores',
      'state',
      'model',
      'input',
      'partitions',
      'features',
      'outputs',
      'id',
      'passthrough',
      'output',
      'execution',
      'rejects',
    );
    fc.assert(
      fc.property(fc.dictionary(top, value, { maxKeys: 5 }), (replaced) => survives(jobText(replaced))),
      { numRuns: 1000 },
    );
  });

  test('cut or changed anywhere', () => {
    const good = stringify(
      JSON.parse(
        jobText({
          partitions: { values: ['01'] },
          output: { uri: 'out/{partition}' },
          features: { x: { columns: ['a'], nulls: { fill: 0 } } },
        }),
      ),
    );
    const edit = fc.tuple(fc.nat(good.length), fc.nat(6), fc.string({ maxLength: 4 }));
    fc.assert(
      fc.property(edit, ([at, removed, added]) => survives(good.slice(0, at) + added + good.slice(at + removed))),
      { numRuns: 1000 },
    );
  });
});

describe('every value is kept exactly', () => {
  const scalar = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => text.isWellFormed()),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (x === 0 ? 0 : x)),
  );
  const constant = fc.oneof(
    scalar,
    fc.array(scalar, { minLength: 1, maxLength: 4 }),
    fc.array(fc.array(scalar, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  );
  const columns = fc.uniqueArray(name, { minLength: 1, maxLength: 5 });
  const labels = fc.oneof(
    fc.array(
      fc.string({ unit: 'grapheme', maxLength: 10 }).filter((t) => t.isWellFormed()),
      { minLength: 1, maxLength: 4 },
    ),
    fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 4 }),
  );
  const file = fc.record({
    features: fc.dictionary(
      key,
      fc.oneof(
        fc.record({ columns, nulls: fc.oneof(fc.constantFrom('nan', 'reject'), fc.record({ fill: scalar })) }),
        fc.record({ value: constant }),
      ),
      { minKeys: 1, maxKeys: 4 },
    ),
    labels,
    id: columns,
    version: name,
  });

  test.each(['JSON', 'YAML'])('through %s', (format) => {
    fc.assert(
      fc.property(file, ({ features, labels, id, version }) => {
        fc.pre(
          new Set(id.map((column) => column.toLowerCase())).size === id.length &&
            !id.some((c) => c.toLowerCase() === 'zz'),
        );
        const json = jobText({
          features,
          id,
          outputs: { zz: { tensor: 't', argmax: true, labels } },
          model: { uri: 'm.onnx', version },
        });
        const job = parse(format === 'JSON' ? json : stringify(JSON.parse(json), { version: '1.2' }));
        const expected = Object.entries(features).map(([tensor, feature]) => [
          tensor,
          { kind: 'columns' in feature ? 'columns' : 'value', ...feature },
        ]);
        expect(Object.entries(job.features ?? {})).toEqual(expected);
        expect(job.outputs?.['zz']).toMatchObject({ labels });
        expect(job.id).toEqual(id);
        expect(job.model.version).toBe(version);
        expect(JSON.parse(JSON.stringify(job))).toEqual(job);
      }),
      { numRuns: 200 },
    );
  });
});

describe('ids and folders', () => {
  test('a run id comes apart into what it was made of', () => {
    const job = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/);
    const time = fc.option(
      fc
        .date({ min: new Date('1000-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true })
        .map((d) => formatInstant(Math.floor(d.getTime() / 1000) * 1000)),
    );
    fc.assert(
      fc.property(
        job,
        fc.option(name),
        time,
        fc.integer({ min: 1, max: 999_999 }),
        (jobName, partition, logicalTime, attempt) => {
          const parts = parseRunId(formatRunId({ job: jobName, partition, logicalTime }, attempt));
          expect(parts).toMatchObject({ job: jobName, partitionHash: hashPartition(partition), attempt });
          expect(parts.time === null).toBe(logicalTime === null);
        },
      ),
    );
  });

  test('partition folders are one harmless segment each, and all different', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => text !== '' && text.isWellFormed()),
        (partition) => {
          const folder = partitionFolder(partition);
          expect(folder).toMatch(/^[A-Za-z0-9%!~*'().-][A-Za-z0-9%!~*'()._-]*$/);
          expect(['.', '..']).not.toContain(folder);
          expect(partitionOfFolder(folder)).toBe(partition);
        },
      ),
    );
  });
});

describe('timed partitions', () => {
  const instant = fc.integer({ min: Date.parse('1970-01-01T00:00:00Z'), max: Date.parse('2100-01-01T00:00:00Z') });
  const every = fc.constantFrom('hour', 'day', 'month');

  test('cover time without gap or overlap', () => {
    fc.assert(
      fc.property(every, instant, fc.integer({ min: 0, max: 60 }), (unit, from, count) => {
        const partitions = { kind: 'every', every: unit, format: '%Y-%m-%dT%H', start: '1970-01-01' } as const;
        const to = addUnits(unit, startOfUnit(unit, from), count + 1);
        const starts = [...enumeratePartitions(partitions, from, to)].map((p) => Date.parse(p.start ?? ''));
        for (const [i, start] of starts.entries()) {
          expect(startOfUnit(unit, start)).toBe(start);
          if (i > 0) expect(addUnits(unit, starts[i - 1] ?? 0, 1)).toBe(start);
        }
        expect(starts.length).toBe(startOfUnit(unit, from) === from ? count + 1 : count);
      }),
    );
  });

  test('the latest ended one ends at or before the instant, and the next one after it', () => {
    fc.assert(
      fc.property(every, instant, (unit, at) => {
        const partitions = { kind: 'every', every: unit, format: '%Y-%m-%dT%H', start: '1970-01-01' } as const;
        const latest = latestEnded(partitions, at);
        fc.pre(latest !== null);
        const end = addUnits(unit, Date.parse(latest?.start ?? ''), 1);
        expect(end <= at && at < addUnits(unit, end, 1)).toBe(true);
      }),
    );
  });

  test('a value finds its partition again', () => {
    const job = parse(
      jobText({
        partitions: { every: 'hour', format: 'h/%Y%m%d-%H', start: '1970-01-01' },
        output: { uri: 'out/{partition}' },
      }),
    );
    fc.assert(
      fc.property(instant, (at) => {
        const latest = job.partitions?.kind === 'every' ? latestEnded(job.partitions, at) : null;
        fc.pre(latest !== null);
        if (latest !== null) expect(findPartition(job, latest.value)).toEqual(latest);
      }),
    );
  });

  test('instants are read as they are written', () => {
    fc.assert(
      fc.property(instant, (ms) => {
        const whole = Math.floor(ms / 1000) * 1000;
        expect(parseInstant(formatInstant(whole))).toBe(whole);
      }),
    );
  });
});

describe('globs', () => {
  const piece = fc.constantFrom('a', 'b', '/', '*', '?', '[ab]', '[!a]', '**/', '.x');
  const pattern = fc
    .array(piece, { minLength: 1, maxLength: 8 })
    .map((parts) => parts.join(''))
    .filter(
      (text) =>
        globProblem(text) === null && !text.endsWith('/') && !/(^|[^/])\*\*\//.test(text.replace(/^\*\*\//, '')),
    );
  const text = fc
    .array(fc.constantFrom('a', 'b', '/', 'x', '.x'), { maxLength: 10 })
    .map((parts) => parts.join(''))
    .filter((t) => !/(^|\/)[_.]/.test(t) && t !== '' && !t.endsWith('/'));

  /** The same language as a regular expression, for short texts only. */
  function toRegExp(glob: string): RegExp {
    const source = glob.replace(/\*\*\/|\*\*$|\*|\?|\[!a\]|\[ab\]|\./g, (mark) => {
      if (mark === '**/') return '(?:[^/]*/)*';
      if (mark === '**') return '.+';
      if (mark === '*') return '[^/]*';
      if (mark === '?') return '[^/]';
      if (mark === '[!a]') return '[^a/]';
      return mark === '.' ? '\\.' : mark;
    });
    return new RegExp(`^${source}$`);
  }

  test('match what their regular expression matches', () => {
    fc.assert(
      fc.property(pattern, text, (glob, key) => {
        fc.pre(/[*?[]/.test(glob));
        const { prefix, matches } = compileGlob(glob);
        // Names are passed over from where listing starts; the texts here have none to pass over.
        expect(matches(key)).toBe(toRegExp(glob).test(key));
        if (matches(key)) expect(key.startsWith(prefix)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

test('canonical JSON does not depend on the order of keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      expect(canonicalJson(reversed)).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
