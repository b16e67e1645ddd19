import { readFileSync } from 'node:fs';
import { type FileMetaData, parquetMetadata, parquetRead, parquetSchema, type SchemaTree } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { runPython } from './python.ts';

/** A value as test/python/canonical.py writes it: a text, null, a list, a map as pairs, or a struct. */
export type CanonicalText = string | null | readonly CanonicalText[] | { readonly [field: string]: CanonicalText };
export type ColumnTexts = ReadonlyMap<string, readonly CanonicalText[]>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Raw values where hyparquet would make a Date, which has no microseconds. */
const PARSERS = {
  timestampFromMilliseconds: (value: bigint) => String(value * 1_000_000n),
  timestampFromMicroseconds: (value: bigint) => String(value * 1_000n),
  timestampFromNanoseconds: (value: bigint) => String(value),
  dateFromDays: (days: number) => String(days),
  stringFromBytes: (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
  jsonFromBytes: (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
  uuidFromBytes: hex,
};

/** All values of Parquet files as hyparquet reads them, by column. */
export async function textsByHyparquet(paths: readonly string[]): Promise<ColumnTexts> {
  const columns = new Map<string, CanonicalText[]>();
  for (const path of paths) {
    const bytes = readFileSync(path);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const file = { byteLength: buffer.byteLength, slice: (start: number, end?: number) => buffer.slice(start, end) };
    const metadata = parquetMetadata(buffer);
    const fields = parquetSchema(metadata).children;
    const onComplete = (rows: unknown[][]): void => {
      fields.forEach((field, i) => {
        const known = columns.get(field.element.name) ?? [];
        columns.set(field.element.name, [...known, ...rows.map((row) => textOf(field, row[i]))]);
      });
    };
    await parquetRead({
      file,
      metadata: rawDecimals(metadata),
      compressors,
      parsers: PARSERS,
      utf8: false,
      onComplete,
    });
  }
  return columns;
}

/** All values of Parquet or Arrow files as pyarrow reads them, by column; one process reads them all. */
export async function textsByPyarrow<const P extends readonly string[]>(
  ...paths: P
): Promise<{ readonly [I in keyof P]: ColumnTexts }> {
  const texts = JSON.parse(await runPython('column_texts.py', paths)) as {
    [I in keyof P]: Record<string, CanonicalText[]>;
  };
  return texts.map((columns) => new Map(Object.entries(columns))) as { [I in keyof P]: ColumnTexts };
}

// hyparquet makes a float of a decimal. Without its meaning it is a whole number.
function rawDecimals(metadata: FileMetaData): FileMetaData {
  const schema = metadata.schema.map((element) => {
    if (element.converted_type !== 'DECIMAL') return element;
    const { converted_type: _, logical_type: __, ...raw } = element;
    return raw;
  });
  return { ...metadata, schema };
}

function textOf({ element, children }: SchemaTree, value: unknown): CanonicalText {
  if (value === null || value === undefined) return null;
  const kind = element.converted_type;
  if (kind === 'LIST') return (value as unknown[]).map((item) => textOf(children[0]!.children[0]!, item));
  if (kind === 'MAP') {
    const [key, item] = children[0]!.children as [SchemaTree, SchemaTree];
    const pairs = value instanceof Map ? [...value] : Object.entries(value);
    return pairs.map(([k, v]) => [textOf(key, k), textOf(item, v)]);
  }
  if (children.length > 0) {
    const row = value as Readonly<Record<string, unknown>>;
    return Object.fromEntries(children.map((c) => [c.element.name, textOf(c, row[c.element.name])]));
  }
  if (kind === 'DECIMAL') return decimalText(value, element.scale ?? 0);
  const logical = element.logical_type;
  if (logical?.type === 'TIME') {
    return String(BigInt(value as bigint) * { MILLIS: 1_000_000n, MICROS: 1_000n, NANOS: 1n }[logical.unit]);
  }
  if (element.type === 'FLOAT' || element.type === 'DOUBLE') return floatText(value as number);
  return value instanceof Uint8Array ? hex(value) : String(value);
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return hex(bytes);
}

function decimalText(value: unknown, scale: number): string {
  const number = value instanceof Uint8Array ? BigInt.asIntN(128, BigInt(`0x${hex(value)}`)) : BigInt(value as bigint);
  const digits = String(number < 0n ? -number : number).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${number < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}
