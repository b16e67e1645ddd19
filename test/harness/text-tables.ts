import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CsvSettings, InputFormat } from '../../src/base/contract/job.ts';
import type { ColumnInfo, FileDescription } from '../../src/base/contract/table.ts';
import { Duck, quoteName, quoteText } from '../../src/data/duckdb/duckdb.ts';
import type { ByteSource } from '../../src/data/object-store/byte-source.ts';
import { CSV_DEFAULTS } from '../../src/data/text/describe-csv.ts';
import { describeText } from '../../src/data/text/describe-text.ts';
import { textBlocks } from '../../src/data/text/text-blocks.ts';
import { textToParquet } from '../../src/data/text/text-to-parquet.ts';
import { settleTextColumns } from '../../src/run/plan/settle-text-columns.ts';

export interface TextQuery {
  /** The name, whose ending counts. */
  readonly name?: string;
  readonly format?: InputFormat;
  readonly csv?: Partial<CsvSettings>;
  /** Column -> DuckDB's type. */
  readonly schema?: Readonly<Record<string, string>>;
  /** All that can be read when left out. */
  readonly columns?: readonly string[];
  readonly rows?: number;
}

export interface TextRead {
  readonly described: FileDescription;
  /** Column -> type, of those that were read. */
  readonly types: Readonly<Record<string, string>>;
  /** As JSON values; DuckDB's texts where JSON has no form. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Of each row. */
  readonly lines: readonly number[];
  /** `line: rule column: message` of the rows that have one. */
  readonly faults: readonly string[];
  /** The Parquet file, there until `close`. */
  readonly path: string;
}

/** Reads texts as a scorer does: described, settled, rewritten to Parquet, and read back by DuckDB. */
export class TextTables {
  private readonly folder = mkdtempSync(join(tmpdir(), 'prescore-text-'));
  private readonly duck: Promise<Duck>;

  constructor(memoryBytes = 128 * 2 ** 20) {
    this.duck = Duck.open({ memoryBytes, scratchDir: this.folder, scratchBytes: 2 ** 30 });
  }

  async describe(text: string | Uint8Array, query: TextQuery = {}): Promise<FileDescription> {
    const { name = 'table.csv', format = 'auto', csv } = query;
    const settings = csv === undefined ? undefined : { ...CSV_DEFAULTS, ...csv };
    const described = await describeText(memorySource(text), {
      uri: `/data/${name}`,
      etag: 'e',
      format,
      csv: settings,
    });
    return settleTextColumns([described], query.schema ?? null)[0]!;
  }

  async read(text: string | Uint8Array, query: TextQuery = {}): Promise<TextRead> {
    const described = await this.describe(text, query);
    const layout = described.text!;
    const columns = described.columns.filter((c) =>
      query.columns === undefined ? c.unsupported === undefined : query.columns.includes(c.name),
    );
    const path = join(this.folder, randomUUID());
    const blocks: Uint8Array[] = [];
    for await (const block of textBlocks(memorySource(text), layout.compression, described.uri)) blocks.push(block);
    writeFileSync(path, Buffer.concat(blocks));
    const target = `${path}.parquet`;
    const duck = await this.duck;
    const written = await textToParquet({
      ...{ connection: duck.connection, path, layout, columns, target, uri: described.uri },
      kept: new Set(columns.map((c) => c.name)),
      limits: { rows: query.rows ?? Number.POSITIVE_INFINITY, isCut: false },
    });
    const rows = await this.rowsOf(duck, target, columns, [written.lineColumn, written.faultColumn]);
    const lines = rows.map((row) => Number(row[columns.length]));
    const faults = rows.flatMap((row, i) => {
      const fault = written.faults[Number(row[columns.length + 1]) - 1];
      return fault === undefined ? [] : [`${lines[i]}: ${fault.rule} ${fault.column}: ${fault.message}`];
    });
    return {
      ...{ described, lines, faults, path: target },
      types: Object.fromEntries(columns.map((c) => [c.name, c.type])),
      rows: rows.map((row) => Object.fromEntries(columns.map((c, i) => [c.name, row[i]]))),
    };
  }

  async close(): Promise<void> {
    (await this.duck).close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private rowsOf(
    duck: Duck,
    path: string,
    columns: readonly ColumnInfo[],
    more: readonly string[],
  ): Promise<unknown[][]> {
    const plain = /^(DOUBLE|FLOAT|BOOLEAN|VARCHAR|.*INT.*)$/;
    const select = columns.map(({ type }, i) => (plain.test(type) ? `c${i}` : `c${i}::VARCHAR`));
    return duck.rows(`select ${[...select, ...more.map(quoteName)].join(', ')} from read_parquet(${quoteText(path)})`);
  }
}

/** A source over bytes in memory. */
export function memorySource(text: string | Uint8Array): ByteSource {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return { size: bytes.byteLength, read: async (offset, length) => bytes.slice(offset, offset + length) };
}
