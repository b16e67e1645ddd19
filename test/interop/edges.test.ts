import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { textsByHyparquet } from '../harness/canonical-texts.ts';
import { prescore } from '../harness/cli.ts';
import { expectSameValues, type InteropTables, interopTables } from '../harness/interop-run.ts';
import { partsOf } from '../harness/read-parquet.ts';
import { leftIn } from '../harness/refusal.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, writeJob } from '../harness/temp-job.ts';

describe('values at the ends of what a type holds', () => {
  const home = suiteFolder();
  let tables: InteropTables;

  beforeAll(async () => {
    tables = await interopTables(home);
  });

  /** Runs a job that passes one column through, and gives the exit code and the line that it ends with. */
  async function refusal(name: string, column: string) {
    const output = join(tables.folder, 'refused', name);
    const job = {
      model: tables.model,
      input: { uri: tables.input(`edges/${name}.parquet`) },
      features: { x: ['x'] },
      outputs: { y: 'float32' },
      passthrough: [column],
      output: { uri: output },
      execution: { scorers: 1 },
    };
    const { code, stderr } = await prescore(['run', writeJob(tables.folder, job, `refused-${name}.yaml`)]);
    const parts = leftIn(output).filter((path) => !path.startsWith('/_prescore/'));
    return { code, says: stderr.trim().split('\n').at(-1), parts };
  }

  it.each(['date', 'timestamp_us', 'timestamp_ns'])('%s: the first and the last are kept', async (name) => {
    const columns = { id: 'id', [name]: name, y: 'x' };
    const job = { outputs: { y: 'float32' }, id: ['id'], passthrough: [name] };
    await expectSameValues(tables, name, `edges/${name}.parquet`, job, { columns });
  });

  it('milliseconds that are too many for microseconds: refused, never another time', async () => {
    const { code, says, parts } = await refusal('timestamp_ms', 'timestamp_ms');
    expect([code, parts]).toEqual([4, []]);
    expect(says).toMatch(
      /^INPUT_CORRUPT: column "timestamp_ms" .*Could not convert Timestamp\(MS\) to Timestamp\(US\)/,
    );
  });

  it('A17 INT96 timestamps: refused by name, or with input.lossy the right time in microseconds', async () => {
    const { code, says, parts } = await refusal('int96', 'int96');
    expect([code, parts]).toEqual([4, []]);
    expect(says).toMatch(
      /^INPUT_LOSSY_TYPE: column "int96": INT96 timestamps are read in microseconds; .*input\.lossy: true/,
    );
    const job = {
      input: { uri: tables.input('edges/int96.parquet'), lossy: true },
      outputs: { y: 'float32' },
      passthrough: ['int96'],
    };
    const columns = { int96: 'int96', y: 'x' };
    const types = await expectSameValues(tables, 'int96', 'edges/int96.parquet', job, { columns });
    expect(types['int96']).toBe('timestamp[us]');
  });

  it('zoned nanoseconds: refused by name, or with input.lossy cut to microseconds', async () => {
    const name = 'timestamp_ns_utc';
    const { code, says } = await refusal(name, name);
    expect([code, says]).toEqual([
      4,
      expect.stringMatching(/^INPUT_LOSSY_TYPE: column "timestamp_ns_utc": zoned nanosecond/),
    ]);
    for (const form of ['parquet', 'arrow']) {
      const output = join(tables.folder, 'out', name, form);
      const job = writeJob(tables.folder, {
        model: tables.model,
        input: { uri: tables.input(`edges/${name}.${form}`), lossy: true },
        features: { x: ['x'] },
        outputs: { y: 'float32' },
        passthrough: [name],
        output: { uri: output },
      });
      expect((await prescore(['run', job])).code).toBe(0);
      const texts = await textsByHyparquet(partsOf(output));
      expect(texts.get(name), form).toEqual(['0', '1577836800123456000', '-1000']);
    }
  });

  it('texts of a model: a NUL is kept, bytes that are no UTF-8 become U+FFFD', async () => {
    const uri = join(tables.folder, 'models/odd_texts.onnx');
    const output = join(tables.folder, 'out/texts');
    const job = writeJob(tables.folder, {
      model: { uri, sha256: sha256Of(uri) },
      input: { uri: tables.input('pyarrow/types.parquet') },
      features: { x: ['id'] },
      outputs: { y: 'y' },
      output: { uri: output },
    });
    expect((await prescore(['run', job])).code).toBe(0);
    const texts = (await textsByHyparquet(partsOf(output))).get('y');
    expect(texts?.slice(0, 5)).toEqual(['plain', 'a\0b', '\ufffd', '', 'plain']);
  });

  it('A18 a decimal of 38 digits is kept as it is', async () => {
    const kept = ['decimal_38_0', 'decimal_38_10', 'decimal_38_38'];
    const columns = Object.fromEntries(kept.map((name) => [name, name]));
    const job = { outputs: { y: 'float32' }, passthrough: kept };
    await expectSameValues(tables, 'decimals', 'pyarrow/types.parquet', job, { columns: { ...columns, y: 'x' } });
  });

  it('A21 half floats are kept by their value', async () => {
    const job = { outputs: { y: 'float32' }, passthrough: ['half'] };
    const columns = { half: 'half', y: 'x' };
    const types = await expectSameValues(tables, 'half', 'pyarrow/types.parquet', job, { columns });
    expect(types['half']).toBe('float');
  });
});
