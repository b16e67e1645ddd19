import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AsyncBuffer, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** Rows of one Parquet file (a path or its bytes), read by another implementation than the one that wrote it. */
export async function readParquet(from: string | Uint8Array): Promise<Record<string, unknown>[]> {
  const bytes = typeof from === 'string' ? readFileSync(from) : from;
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const file: AsyncBuffer = { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) };
  return parquetReadObjects({ file, compressors });
}

/** Visible parts of an output folder, in order. */
export function partsOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.parquet'))
    .sort()
    .map((name) => join(folder, name));
}

/** All rows of an output folder, parts in order. */
export async function readOutput(folder: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for (const part of partsOf(folder)) rows.push(...(await readParquet(part)));
  return rows;
}
