import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { toErrorJson } from '../../base/errors/prescore-error.ts';
import { Turns } from '../../base/lanes/turns.ts';
import { describeInput } from '../../data/duckdb/describe-input.ts';
import { pinnedSource, wholeIfSmall } from '../../data/object-store/pinned-source.ts';
import type { ParquetFooter } from '../../data/parquet/parquet-footer.ts';
import { withinBudget } from './byte-budget.ts';
import type { ChildTools } from './child-tools.ts';
import type { DescribeRequest, DescribeResult, PackedDescriptions } from './messages.ts';
import { mapNative } from './native-errors.ts';

/** Files that are looked at together: from a store far away each is one to three round trips, and a request of it takes a child half a millisecond. */
const IN_FLIGHT = 64;
/** Of large footers and heads: 64 of the largest would not fit the memory of a child. */
const LARGE_BYTES = 32 * 1024 * 1024;

/** Looks at files without reading their data. One result per file, in order; a bad file is a result. Errors: none. */
export async function describeAll(
  tools: ChildTools,
  files: readonly DescribeRequest[],
  maxFooterBytes: number,
): Promise<DescribeResult[]> {
  const results = new Array<DescribeResult>(files.length);
  const budget = new Turns(LARGE_BYTES);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < files.length) {
      const i = next++;
      results[i] = await describeOne(tools, files[i]!, maxFooterBytes, budget);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, files.length) }, lane));
  return results;
}

async function describeOne(
  tools: ChildTools,
  file: DescribeRequest,
  maxFooterBytes: number,
  budget: Turns,
): Promise<DescribeResult> {
  const scratchPath = join(tools.scratchDir, `footer-${randomBytes(8).toString('hex')}`);
  let release = async (): Promise<void> => undefined;
  try {
    const place = tools.stores.at(file.uri);
    const pinned = withinBudget(pinnedSource(place, file.size, file.etag), budget);
    release = pinned.release;
    const localPath = place.store.localPath(place.key);
    // The mark at its start and the footer of a small file are one read.
    const source = wholeIfSmall(pinned.source);
    const onFooter = (footer: ParquetFooter): void => tools.footers.keepLarge(file.uri, file.etag, footer);
    return {
      ok: true,
      file: await describeInput(tools.duck, source, {
        ...file,
        localPath,
        scratchPath,
        maxFooterBytes,
        onFooter,
      }),
    };
  } catch (error) {
    return { ok: false, error: toErrorJson(mapNative(error, tools.scratchDir)) };
  } finally {
    await release();
  }
}

/** Columns once for all files that share them. */
export function packDescriptions(results: readonly DescribeResult[]): PackedDescriptions {
  const schemas: (readonly ColumnInfo[])[] = [];
  const known = new Map<readonly ColumnInfo[], number>();
  const packed = results.map((result) => {
    if (!result.ok) return result;
    const { columns, ...file } = result.file;
    let schema = known.get(columns);
    if (schema === undefined) {
      schema = schemas.push(columns) - 1;
      known.set(columns, schema);
    }
    return { ok: true as const, schema, file };
  });
  return { schemas, results: packed };
}
