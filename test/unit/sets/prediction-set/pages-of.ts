import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Page, PredictionValue, ValueColumn } from '../../../../src/base/contract/prediction-set.ts';
import { crc32Of } from '../../../../src/sets/prediction-set/crc32.ts';
import { findInPage } from '../../../../src/sets/prediction-set/page.ts';
import { encodeValue, joinBytes, readValues } from '../../../../src/sets/prediction-set/value-codec.ts';
import { varintSize, writeVarint } from '../../../../src/sets/prediction-set/varint.ts';
import { type BuiltPages, buildPages, type RowFlags } from '../../../../src/sets/publish/build-pages.ts';
import { RowSpool } from '../../../../src/sets/publish/row-spool.ts';

export interface PageRow {
  readonly key: Uint8Array;
  readonly origin?: number;
  readonly values: readonly PredictionValue[];
}

/** Pages of a few rows, made by the publisher's own packing. */
export async function pagesOf(
  columns: readonly ValueColumn[],
  rows: readonly PageRow[],
  buckets: number,
  flags: RowFlags,
): Promise<BuiltPages> {
  // A path that never exists: the memory is enough, and closing removes the file.
  const spool = new RowSpool(1, 1 << 24, join(tmpdir(), `prescore-spool-${randomUUID()}`));
  onTestFinished(() => spool.close());
  for (const { key, origin = 0, values } of rows) {
    const bits = new Uint8Array(flags.hasNulls ? (columns.length + 7) >> 3 : 0);
    const cells = values.map((value, i) => {
      if (value !== null) return encodeValue(value, columns[i]!.type);
      bits[i >> 3]! |= 1 << (i & 7);
      return new Uint8Array(0);
    });
    const row = joinBytes([
      varint(key.length),
      key,
      flags.hasOrigins ? varint(origin) : bits.subarray(0, 0),
      bits,
      ...cells,
    ]);
    spool.reserve(crc32Of(key, 0, key.length), row.length, varintSize(row.length));
    spool.target.set(row, spool.at);
  }
  return buildPages(await spool.take(0), 0, 1, buckets, flags);
}

export interface Looked {
  readonly origin: number;
  readonly values: Readonly<Record<string, PredictionValue>> | null;
}

/** What a reader makes of a page: a row, or why there is none. */
export function look(page: Page, columns: readonly ValueColumn[], key: Uint8Array): Looked | 'absent' | 'bad' {
  const found = findInPage(page.bytes, page.bucket, key);
  if (found.kind !== 'row') return found.kind;
  const { origin, cursor, hasNulls } = found.row;
  return { origin, values: readValues(cursor, columns, hasNulls) };
}

function varint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintSize(value));
  writeVarint(bytes, 0, value);
  return bytes;
}
