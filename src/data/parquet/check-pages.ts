import { closeSync, openSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { crc32, gunzip } from 'node:zlib';
import { readFullySync } from '../object-store/read-sync.ts';
import { type PageHeader, readPageHeader } from './page-header.ts';
import { chunkRange, leavesOf, type ParquetFooter, rowSpans } from './parquet-footer.ts';

/** Why a row group cannot be read. */
export interface RowGroupFault {
  readonly group: number;
  readonly column: string;
  readonly message: string;
}

const GZIP = 2;
// Most headers have under 100 bytes; statistics of long texts make them larger.
const HEADER_BYTES = [512, 65_536, 16 * 1024 * 1024];
const PAGES_A_TURN = 256;
/** Of column chunks up to here the neighbours are read as well: a read costs more than the bytes of a few dozen of them. */
const SMALL_CHUNK = 16 * 1024;
const WINDOW_BYTES = 128 * 1024;
const unzip = promisify(gunzip);

/**
 * Walks the page headers of the named columns in the row groups that overlap rows [rowStart, rowEnd) of a local file:
 * lengths and counts must add up, and checksums must fit where there are any (a CRC of the page, or the one inside gzip).
 * DuckDB checks neither: of a page with too few values it reads on into whatever memory follows. 2,000 headers take about
 * 20 ms. At most one fault for a row group and column.
 *
 * `whole`: the file's bytes, where they are there already. Errors: those of the file system.
 */
export async function checkPages(
  path: string,
  footer: ParquetFooter,
  columns: ReadonlySet<string>,
  rowStart: number,
  rowEnd: number,
  whole: Uint8Array | null = null,
): Promise<RowGroupFault[]> {
  const { leaves } = footer;
  const wanted = leavesOf(footer, columns);
  const faults: RowGroupFault[] = [];
  const walk = new PageWalk(path, footer, whole);
  try {
    for (const { group } of rowSpans(footer, rowStart, rowEnd)) {
      for (const leaf of wanted) {
        try {
          await walk.check(group, leaf);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          faults.push({ group, column: leaves[leaf]!.path, message: error.message });
        }
      }
    }
  } finally {
    walk.close();
  }
  return faults;
}

class PageWalk {
  private readonly path: string;
  private file: number | null = null;
  private readonly footer: ParquetFooter;
  private head: Uint8Array | null = null;
  private window: Uint8Array | null;
  private own: Uint8Array | null = null;
  /** Where the window's bytes lie in the file. */
  private windowAt = 0;
  private windowEnd = 0;
  private pages = 0;

  constructor(path: string, footer: ParquetFooter, whole: Uint8Array | null) {
    this.path = path;
    this.footer = footer;
    this.window = whole;
    this.windowEnd = whole?.length ?? 0;
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
  }

  /** Errors: RangeError when a page of the column chunk is damaged. */
  async check(group: number, leaf: number): Promise<void> {
    const { groups, leaves } = this.footer;
    const chunk = group * groups.leaves + leaf;
    const { offset, length } = chunkRange(groups, chunk);
    const expected = groups.values[chunk]!;
    const codec = groups.codec[chunk]!;
    // Some writers leave the sum at 0, and parquetjs gives the compressed one twice.
    const isSumKnown = groups.uncompressed[chunk]! > 0 && (codec === 0 || groups.uncompressed[chunk]! !== length);
    const most = isSumKnown ? groups.uncompressed[chunk]! : Number.POSITIVE_INFINITY;
    let values = 0;
    let rows: number | null = null;
    let at = offset;
    if (length <= SMALL_CHUNK) this.look(offset, length);
    for (let page = 0; values < expected || page === 0; page++) {
      if (++this.pages % PAGES_A_TURN === 0) await setImmediate();
      if (at >= offset + length) break;
      const header = this.header(at, offset + length - at);
      const body = at + header.size;
      at = body + header.compressed;
      if (at > offset + length) throw new RangeError('a page is longer than its column chunk');
      if (header.uncompressed > most) throw new RangeError(`a page claims ${header.uncompressed} bytes`);
      if (codec === 0 && header.uncompressed !== header.compressed) {
        throw new RangeError('a page without compression gives two lengths');
      }
      if (header.kind === 'dictionary' && page > 0) throw new RangeError('a dictionary comes after the first page');
      if (header.kind === 'data' || header.kind === 'data-v2') values += header.values;
      if (header.rows !== null) rows = (rows ?? 0) + header.rows;
      if (header.crc !== null || codec === GZIP) await this.checkBody(header, body, codec);
    }
    if (values !== expected) throw new RangeError(`its pages hold ${values} values instead of ${expected}`);
    const all = groups.rows[group]!;
    const { isRepeated } = leaves[leaf]!;
    // parquetjs counts the values of a list as rows of its page.
    const isCounted = rows === null || rows === all || (isRepeated && rows === values);
    if (!isCounted) throw new RangeError(`its pages hold ${rows} rows instead of ${all}`);
    if (rows === null && !isRepeated && expected !== all) throw new RangeError('values are missing');
  }

  private header(offset: number, left: number): PageHeader {
    for (const [i, size] of HEADER_BYTES.entries()) {
      const wanted = Math.min(size, left);
      const bytes = this.bytesAt(offset, wanted, i === 0);
      try {
        return readPageHeader(bytes);
      } catch (error) {
        const isLast = wanted === left || i === HEADER_BYTES.length - 1;
        if (isLast || !(error instanceof RangeError) || !error.message.includes('ends too early')) throw error;
      }
    }
    throw new RangeError('a page header is too long');
  }

  private async checkBody(header: PageHeader, offset: number, codec: number): Promise<void> {
    const bytes = this.bytesAt(offset, header.compressed);
    if (header.crc !== null && crc32(bytes) !== header.crc) throw new RangeError('the checksum of a page does not fit');
    if (codec !== GZIP || !header.isCompressed || header.compressed === header.levels) return;
    try {
      // gzip has a checksum of its own, which DuckDB does not look at.
      const packed = bytes.subarray(header.levels);
      const plain = await unzip(packed, { maxOutputLength: Math.max(1, header.uncompressed) });
      if (plain.length + header.levels !== header.uncompressed) throw new RangeError('another length came out');
    } catch (error) {
      throw new RangeError(`gzip data is damaged (${error instanceof Error ? error.message : String(error)})`);
    }
  }

  /** Has the window begin at a column chunk, unless it holds that already. */
  private look(offset: number, length: number): void {
    if (offset >= this.windowAt && offset + length <= this.windowEnd) return;
    this.window = this.own ??= Buffer.allocUnsafeSlow(WINDOW_BYTES);
    this.windowAt = offset;
    // Nothing of it, should a read fail.
    this.windowEnd = offset;
    this.windowEnd += readFullySync(this.opened(), this.own, offset);
  }

  /** Owns: until the next call. */
  private bytesAt(offset: number, length: number, isHead = false): Uint8Array {
    if (this.window !== null && offset >= this.windowAt && offset + length <= this.windowEnd) {
      return this.window.subarray(offset - this.windowAt, offset - this.windowAt + length);
    }
    if (!isHead) return this.read(offset, new Uint8Array(length));
    this.head ??= new Uint8Array(HEADER_BYTES[0]!);
    return this.read(offset, this.head.subarray(0, length));
  }

  private opened(): number {
    this.file ??= openSync(this.path, 'r');
    return this.file;
  }

  private read(offset: number, into: Uint8Array): Uint8Array {
    if (readFullySync(this.opened(), into, offset) === into.length) return into;
    throw new RangeError('the file ends within a page');
  }
}
