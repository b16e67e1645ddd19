import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { textsByHyparquet } from '../harness/canonical-texts.ts';
import { prescore } from '../harness/cli.ts';
import { type Corpus, makeCorpus, rejectsOf, runCases, visibleIn } from '../harness/parquet-corpus.ts';
import { partsOf, readOutput } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { writeJob } from '../harness/temp-job.ts';

/* Values in rows, by the numbers of the list of bad inputs. B50, B51 and B57 are in model-runs.test.ts. */
describe('values in rows', () => {
  const home = suiteFolder();
  let corpus: Corpus;
  let runs = 0;

  beforeAll(async () => {
    corpus = await makeCorpus(home, 'values');
  });

  /** Feeds one column to a model that gives it back: `y` by id, and rule by id of what was rejected. */
  async function feed(name: string, column: string, model: string, nulls?: unknown, kept: readonly string[] = []) {
    const run = await runCases(corpus, `run-${++runs}`, [name], {
      model: corpus.model(model),
      features: { x: { columns: [column], ...(nulls === undefined ? {} : { nulls }) } },
      outputs: { y: 'y' },
      id: ['id'],
      passthrough: kept,
      rejects: { limit: '100%' },
    });
    const outcome = run.of(name);
    expect(outcome.error).toBeNull();
    const rows = await readOutput(outcome.output);
    const entries = await rejectsOf(outcome);
    return {
      rows,
      outcome,
      y: Object.fromEntries(rows.map((row) => [Number(row['id']), row['y']])),
      rules: Object.fromEntries(entries.map((e) => [Number(e['id']), e['rule']])),
      messages: entries.map((e) => e['message']),
    };
  }

  /** What comes out of one column fed to one model: values of some rows, and every reject. */
  interface Want {
    readonly y?: Readonly<Record<number, unknown>>;
    readonly rules?: Readonly<Record<number, string>>;
    readonly messages?: readonly string[];
  }

  /** All at once: one after the other would wait most of the time. */
  async function expectFeeds(feeds: readonly [string, string, string, unknown, Want][]): Promise<void> {
    await Promise.all(
      feeds.map(async ([name, column, model, nulls, want]) => {
        const { y, rules, messages } = await feed(name, column, model, nulls);
        expect(rules, `${column} into ${model}`).toEqual(want.rules ?? {});
        expect({ y, messages }, `${column} into ${model}`).toMatchObject({
          y: want.y ?? {},
          messages: want.messages ?? messages,
        });
      }),
    );
  }

  it('B44 a null in a feature: NaN for a float, a reject for others, or what nulls: says', async () => {
    // step gives x > 0.5, and false for NaN.
    await expectFeeds([
      ['b44_nulls', 'float', 'step', undefined, { y: { 0: true, 1: false, 2: false }, rules: {} }],
      ['b44_nulls', 'float', 'step', 'reject', { rules: { 1: 'null' } }],
      ['b44_nulls', 'double', 'step', { fill: 0.75 }, { y: { 0: true, 1: true, 2: false } }],
      ['b44_nulls', 'int64', 'int64', undefined, { y: { 0: 7n, 1: 8n }, rules: { 2: 'null' } }],
      ['b44_nulls', 'int64', 'int64', { fill: -1 }, { y: { 0: 7n, 1: 8n, 2: -1n } }],
      ['b44_nulls', 'bool', 'bool', undefined, { y: { 0: true, 2: false }, rules: { 1: 'null' } }],
      ['b44_nulls', 'text', 'labels', undefined, { y: { 0: 1, 1: 2 }, rules: { 2: 'null' } }],
      ['b44_nulls', 'text', 'labels', { fill: 'b' }, { y: { 0: 1, 1: 2, 2: 2 } }],
    ]);
  });

  it('B45 NaN: fed to a float as it is, rejected for an integer', async () => {
    await expectFeeds([
      [
        'b45_b46_not_finite',
        'float',
        'step',
        undefined,
        {
          y: { 0: true, 1: false, 2: true, 3: false, 4: false },
          rules: {},
        },
      ],
      [
        'b45_b46_not_finite',
        'float',
        'float32',
        undefined,
        {
          y: { 0: 1, 4: 0 },
          rules: { 1: 'bad_output', 2: 'bad_output', 3: 'bad_output' },
          messages: ['model returned NaN', 'model returned Infinity', 'model returned -Infinity'],
        },
      ],
    ]);
  });

  it('B46 infinities: fed to a float of any width as they are, out_of_range for an integer', async () => {
    await expectFeeds([
      ['b45_b46_not_finite', 'double', 'step', undefined, { y: { 2: true, 3: false }, rules: {} }],
      [
        'b45_b46_not_finite',
        'double',
        'int64',
        undefined,
        {
          y: { 0: 1n, 4: 0n },
          rules: { 1: 'not_a_number', 2: 'out_of_range', 3: 'out_of_range' },
        },
      ],
    ]);
  });

  it('B47 what would overflow to infinity: not_finite_cast; what rounds to the largest value is scored', async () => {
    await expectFeeds([
      [
        'b47_too_large',
        'double',
        'float32',
        undefined,
        {
          y: { 2: 3.4028234663852886e38, 4: 3.4028234663852886e38, 5: 1 },
          rules: { 0: 'not_finite_cast', 1: 'not_finite_cast', 3: 'not_finite_cast' },
        },
      ],
      [
        'b47_too_large',
        'half',
        'float16',
        undefined,
        {
          y: { 0: 65504, 4: 65504, 5: 1 },
          rules: { 1: 'not_finite_cast', 2: 'not_finite_cast', 3: 'not_finite_cast' },
        },
      ],
      [
        'b47_too_large',
        'decimal',
        'float16',
        'reject',
        {
          y: { 0: 1, 4: 3, 5: 5 },
          rules: { 1: 'not_finite_cast', 2: 'null', 3: 'not_finite_cast' },
        },
      ],
    ]);
  });

  it('B48 denormals and -0.0 keep their bits; a double below the smallest float becomes 0', async () => {
    const { outcome } = await feed('b48_small', 'float', 'float32');
    const bits = (await textsByHyparquet(partsOf(outcome.output))).get('y');
    const hex = (value: number): string =>
      Buffer.from(new Float64Array([value]).buffer)
        .reverse()
        .toString('hex');
    const float = (word: number): number => new Float32Array(new Uint32Array([word]).buffer)[0]!;
    expect(bits).toEqual([0x80000000, 0, 1, 0x80000001, 0x007fffff].map((word) => hex(float(word))));
    const doubles = (await feed('b48_small', 'double', 'float32')).rows.map((row) => row['y']);
    expect(doubles).toEqual([-0, 0, 0, float(1), -float(1)]);
  });

  it('B49 an unknown category goes to the model, whose own default decides; it is compared exactly', async () => {
    const want = { 0: 1, 1: -1, 2: 3, 4: -1, 5: 2, 6: -1, 7: -1 };
    await expectFeeds([
      ['b49_b53_texts', 'text', 'labels', undefined, { y: want, rules: { 3: 'null' } }],
      ['b49_b53_texts', 'dictionary', 'labels', undefined, { y: want, rules: { 3: 'null' } }],
    ]);
  });

  it('B52 a text of 1 MB: too_long as a feature, kept whole beside it; 65,536 bytes are the limit', async () => {
    const fed = await feed('b52_long_texts', 'text', 'labels');
    expect([fed.y, fed.rules]).toEqual([
      { 0: 1, 2: -1 },
      { 1: 'too_long', 3: 'too_long' },
    ]);
    const { rows } = await feed('b52_long_texts', 'id', 'int64', undefined, ['text']);
    expect(rows.map((row) => String(row['text']).length)).toEqual([1, 1_000_000, 65_536, 32_769]);
  });

  it('B53 an empty text is a text of its own, not a null: as a feature and beside it', async () => {
    const { y, rows } = await feed('b49_b53_texts', 'text', 'labels', { fill: 'b' }, ['text']);
    expect([y[2], y[3]]).toEqual([3, 2]);
    expect([rows[2]!['text'], rows[3]!['text']]).toEqual(['', null]);
  });

  it('B54 "true" as a text for a boolean: refused before a row is scored; flags and 0 and 1 are fed', async () => {
    const run = await runCases(corpus, 'flags', ['b54_flags'], {
      model: corpus.model('bool'),
      features: { x: ['text'] },
      outputs: { y: 'y' },
    });
    expect(run.of('b54_flags').error).toMatchObject({ code: 'SIGNATURE_MISMATCH' });
    expect(run.of('b54_flags').error?.message).toContain('column "text" is VARCHAR: it cannot feed bool');
    await expectFeeds([
      ['b54_flags', 'bool', 'bool', undefined, { y: { 0: true, 1: false, 2: true } }],
      ['b54_flags', 'bool', 'float32', undefined, { y: { 0: 1, 1: 0, 2: 1 } }],
      ['b54_flags', 'int8', 'bool', undefined, { y: { 0: true, 1: false }, rules: { 2: 'out_of_range' } }],
      ['b54_flags', 'double', 'bool', undefined, { y: { 0: false, 1: true }, rules: { 2: 'fraction' } }],
    ]);
  });

  it('B55 the years 1, 1969 and 9999: days and microseconds as they are; beyond 2^53 no float', async () => {
    await expectFeeds([
      [
        'b55_dates',
        'date',
        'int32',
        undefined,
        {
          y: { 0: 0, 1: -1, 2: -719162, 3: 2932896, 4: 18262 },
        },
      ],
      [
        'b55_dates',
        'timestamp',
        'int64',
        undefined,
        {
          y: { 0: 0n, 1: -1n, 2: -62135596800000000n, 3: 253402300799999999n, 4: 1577836800000001n },
        },
      ],
      [
        'b55_dates',
        'timestamp',
        'float64',
        undefined,
        {
          y: { 0: 0, 1: -1, 4: 1577836800000001 },
          rules: { 2: 'precision', 3: 'precision' },
        },
      ],
      ['b55_dates', 'time', 'int64', undefined, { y: { 1: 1n, 2: 86399999999n } }],
    ]);
    // Nanoseconds below a microsecond are cut off, towards 1970.
    await expectFeeds([
      [
        'b55_dates',
        'nanos',
        'int64',
        undefined,
        {
          y: { 0: 0n, 1: 0n, 2: -1n, 3: 9223372036854775n, 4: 1577836800123456n },
        },
      ],
    ]);
  });

  it('B56 a timestamp without a zone is read as UTC, whatever the zone of the machine; a zone changes no instant', async () => {
    const want = Array.from({ length: 30 }, (_, i) => 1583650800000000n + 600_000_000n * BigInt(i));
    for (const TZ of ['America/New_York', 'Asia/Kathmandu']) {
      for (const column of ['plain', 'utc', 'york']) {
        const output = join(corpus.folder, `zone-${TZ.slice(0, 4)}-${column}`);
        const path = writeJob(corpus.folder, {
          model: corpus.model('int64'),
          input: { uri: join(corpus.data, 'b56_zones/*.parquet') },
          features: { x: [column] },
          outputs: { y: 'y' },
          passthrough: ['plain', 'utc', 'york'],
          output: { uri: output },
          execution: { scorers: 1 },
        });
        const { code, stderr } = await prescore(['run', path], { env: { TZ } });
        expect(code, stderr).toBe(0);
        expect((await readOutput(output)).map((row) => row['y'])).toEqual(want);
        const texts = await textsByHyparquet(partsOf(output));
        for (const kept of ['plain', 'utc', 'york']) expect(texts.get(kept)).toEqual(want.map((t) => `${t}000`));
      }
    }
  });

  it('B58 all rows poison: by limit a valid output without rows (exit 3), or nothing (exit 8)', async () => {
    const job = (limit: string | number) => ({
      model: corpus.model('int64'),
      features: { x: ['int64'] },
      outputs: { y: 'y' },
      id: ['id'],
      passthrough: ['text'],
      rejects: { limit },
    });
    const accepted = await runCases(corpus, 'poison', ['b58_poison'], job('100%'));
    expect(accepted.result.code).toBe(3);
    expect(accepted.of('b58_poison').done).toMatchObject({ rows: 0, rejected: 5000, rejectsByRule: { null: 5000 } });
    const texts = await textsByHyparquet(partsOf(accepted.of('b58_poison').output));
    expect([...texts]).toEqual([
      ['id', []],
      ['text', []],
      ['y', []],
    ]);
    const refused = await runCases(corpus, 'poison-refused', ['b58_poison'], job('99.9%'));
    expect([refused.result.code, refused.of('b58_poison').error?.code]).toEqual([8, 'REJECT_LIMIT']);
    expect(refused.of('b58_poison').error?.message).toMatch(
      /such as row 0 of \S+b58_poison\/rows\.parquet: null in "int64": value is null; /,
    );
    expect(visibleIn(refused.of('b58_poison').output)).toEqual([]);
  });

  it('A19 A20 whole numbers beyond 2^53: exact for the same 64-bit type, else precision; fractions and ranges by name', async () => {
    await expectFeeds([
      [
        'whole_numbers',
        'int64',
        'int64',
        undefined,
        {
          y: { 0: 2n ** 53n, 1: 2n ** 53n + 1n, 2: -(2n ** 53n) - 1n, 3: 2n ** 63n - 1n },
        },
      ],
      [
        'whole_numbers',
        'int64',
        'float32',
        undefined,
        {
          y: { 0: 2 ** 53, 4: 16777216 },
          rules: { 1: 'precision', 2: 'precision', 3: 'precision' },
        },
      ],
      [
        'whole_numbers',
        'int64',
        'uint64',
        undefined,
        {
          y: { 0: 2n ** 53n, 4: 16777217n },
          rules: { 1: 'precision', 2: 'precision', 3: 'precision' },
        },
      ],
      ['whole_numbers', 'uint64', 'uint64', undefined, { y: { 1: 2n ** 64n - 1n, 2: 2n ** 53n + 1n } }],
      [
        'whole_numbers',
        'uint64',
        'uint8',
        undefined,
        {
          y: { 3: 0 },
          rules: { 0: 'out_of_range', 1: 'precision', 2: 'precision', 4: 'out_of_range' },
        },
      ],
      [
        'whole_numbers',
        'double',
        'int64',
        undefined,
        {
          y: { 1: 0n, 2: 2n ** 53n },
          rules: { 0: 'fraction', 3: 'precision', 4: 'out_of_range' },
        },
      ],
      ['whole_numbers', 'decimal', 'float64', undefined, { y: { 0: 1, 4: 5 } }],
    ]);
  });
});
