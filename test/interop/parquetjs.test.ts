import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CanonicalText, textsByHyparquet } from '../harness/canonical-texts.ts';
import { prescore } from '../harness/cli.ts';
import { type InteropTables, interopTables } from '../harness/interop-run.ts';
import { partsOf } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { writeJob } from '../harness/temp-job.ts';

interface Writer {
  appendRow(row: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
}
interface Parquetjs {
  readonly ParquetSchema: new (fields: Readonly<Record<string, unknown>>) => object;
  readonly ParquetWriter: { openFile(schema: object, path: string, options: object): Promise<Writer> };
}

const { ParquetSchema, ParquetWriter } = createRequire(import.meta.url)('parquetjs-lite') as Parquetjs;
const ROWS = 2500;
const hex = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
};

/** Every type that parquetjs-lite writes (TIME_MICROS throws in it): the value of a row, and its canonical text. */
const TYPES: Readonly<Record<string, (i: number) => readonly [unknown, CanonicalText]>> = {
  BOOLEAN: (i) => [i % 3 === 0, String(i % 3 === 0)],
  INT32: (i) => [i === 0 ? -(2 ** 31) : i, String(i === 0 ? -(2 ** 31) : i)],
  INT64: (i) => [i === 0 ? 2 ** 53 - 1 : -i, String(i === 0 ? 2 ** 53 - 1 : -i)],
  FLOAT: (i) => [i / 8 - 3, hex(i / 8 - 3)],
  DOUBLE: (i) => [i / 3, hex(i / 3)],
  BYTE_ARRAY: (i) => [Buffer.from([i % 256, 255]), Buffer.from([i % 256, 255]).toString('hex')],
  UTF8: (i) => [`naïve ${i} 𝒳`, `naïve ${i} 𝒳`],
  DATE: (i) => [i * 10, String(i * 10)],
  TIME_MILLIS: (i) => [i * 1000 + 7, String((i * 1000 + 7) * 1e6)],
  TIMESTAMP_MILLIS: (i) => [new Date(i * 86_400_123), String(BigInt(i * 86_400_123) * 1_000_000n)],
  TIMESTAMP_MICROS: (i) => [BigInt(i) * 86_400_000_001n, String(BigInt(i) * 86_400_000_001_000n)],
  INT_8: (i) => [(i % 256) - 128, String((i % 256) - 128)],
  INT_16: (i) => [i - 1000, String(i - 1000)],
  INT_32: (i) => [-i, String(-i)],
  INT_64: (i) => [i * 1e9, String(i * 1e9)],
  UINT_8: (i) => [i % 256, String(i % 256)],
  UINT_16: (i) => [i + 60_000, String(i + 60_000)],
  UINT_32: (i) => [i * 2, String(i * 2)],
  UINT_64: (i) => [i * 1e9, String(i * 1e9)],
  JSON: (i) => [{ row: i }, `{"row":${i}}`],
};
const NAMES = Object.keys(TYPES);
const isNull = (i: number, column: number): boolean => i % 11 === column % 11;

async function write(path: string, compression: string, useDataPageV2: boolean): Promise<void> {
  const fields: Record<string, unknown> = { id: { type: 'INT64', compression }, x: { type: 'FLOAT', compression } };
  for (const type of NAMES) {
    fields[type] = { type, compression, optional: true };
    fields[`${type} required`] = { type, compression };
  }
  fields['tags'] = { type: 'UTF8', compression, repeated: true };
  const writer = await ParquetWriter.openFile(new ParquetSchema(fields), path, { rowGroupSize: 700, useDataPageV2 });
  for (let i = 0; i < ROWS; i++) {
    const row: Record<string, unknown> = { id: i, x: i % 100, tags: Array.from({ length: i % 3 }, (_, k) => `t${k}`) };
    NAMES.forEach((type, column) => {
      const [value] = TYPES[type]!(i);
      if (!isNull(i, column)) row[type] = value;
      row[`${type} required`] = value;
    });
    await writer.appendRow(row);
  }
  await writer.close();
}

describe('files that parquetjs-lite writes', () => {
  const home = suiteFolder();
  let tables: InteropTables;

  beforeAll(async () => {
    tables = await interopTables(home);
  });

  it.each([
    ['UNCOMPRESSED', true],
    ['UNCOMPRESSED', false],
    ['SNAPPY', true],
    ['SNAPPY', false],
    ['GZIP', true],
    ['GZIP', false],
  ] as const)('are read with exact values: %s, data pages of version 2: %s', async (codec, isV2) => {
    const name = `parquetjs-${codec}-${isV2}`;
    const input = join(tables.folder, `${name}.parquet`);
    await write(input, codec, isV2);
    const kept = [...NAMES.flatMap((type) => [type, `${type} required`]), 'tags'];
    const output = join(tables.folder, 'out', name);
    const job = writeJob(
      tables.folder,
      {
        model: tables.model,
        input: { uri: input },
        features: { x: ['x'] },
        outputs: { y: 'int64' },
        id: ['id'],
        passthrough: kept,
        output: { uri: output },
        execution: { scorers: 1 },
      },
      `${name}.yaml`,
    );
    const result = await prescore(['run', job]);
    expect(result.code, result.stderr).toBe(0);
    const read = await textsByHyparquet(partsOf(output));
    const rows = Array.from({ length: ROWS }, (_, i) => i);
    const texts = (type: string): CanonicalText[] => rows.map((i) => TYPES[type]!(i)[1]);
    expect(read.get('id')).toEqual(rows.map(String));
    expect(read.get('y')).toEqual(rows.map((i) => String(i % 100)));
    expect(read.get('tags')).toEqual(rows.map((i) => Array.from({ length: i % 3 }, (_, k) => `t${k}`)));
    NAMES.forEach((type, column) => {
      expect(read.get(`${type} required`), `${type} required`).toEqual(texts(type));
      expect(read.get(type), type).toEqual(texts(type).map((text, i) => (isNull(i, column) ? null : text)));
    });
  });
});
