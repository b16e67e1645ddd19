import { gzipSync, constants as zlib, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { textBlocks } from '../../../../src/data/text/text-blocks.ts';
import { failureOf } from '../../../harness/failure-of.ts';
import { memorySource, TextTables } from '../../../harness/text-tables.ts';

const tables = new TextTables();
afterAll(() => tables.close());

const table = `a,b\n${Array.from({ length: 80_000 }, (_, i) => `${i},x${i * 7919}`).join('\n')}\n`;
const half = table.indexOf('\n', table.length / 2) + 1;
const checked = { params: { [zlib.ZSTD_c_checksumFlag]: 1 } };
const gz = gzipSync(table);
const zst = zstdCompressSync(table, checked);
const skippable = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

async function unpacked(bytes: Uint8Array, compression: 'gzip' | 'zstd'): Promise<string> {
  const blocks: Uint8Array[] = [];
  for await (const block of textBlocks(memorySource(bytes), compression, '/data/t.gz')) blocks.push(block);
  return Buffer.concat(blocks).toString();
}

const parts = [table.slice(0, half), table.slice(half)];

describe('packed text', () => {
  it.each<[string, 'gzip' | 'zstd', Uint8Array]>([
    ['gzip', 'gzip', gz],
    ['gzip of two members', 'gzip', Buffer.concat(parts.map((p) => gzipSync(p)))],
    ['gzip with an empty member first', 'gzip', Buffer.concat([gzipSync(''), gz])],
    ['gzip with zeros behind it', 'gzip', Buffer.concat([gz, Buffer.alloc(3_000_000)])],
    ['zstd', 'zstd', zst],
    ['zstd without a checksum', 'zstd', zstdCompressSync(table)],
    ['zstd of two frames', 'zstd', Buffer.concat(parts.map((p) => zstdCompressSync(p, checked)))],
    [
      'zstd of a thousand frames',
      'zstd',
      Buffer.concat(table.match(/[\s\S]{1,2000}/g)!.map((p) => zstdCompressSync(p))),
    ],
    ['zstd with frames that hold nothing', 'zstd', Buffer.concat([skippable, zstdCompressSync(''), zst, skippable])],
  ])('%s is read whole', async (_, compression, bytes) => {
    expect((await unpacked(bytes, compression)) === table).toBe(true);
    const { rows, described } = await tables.read(bytes, { name: 'table.csv.packed', format: 'csv' });
    expect(described.text?.compression).toBe(compression);
    expect(rows).toHaveLength(80_000);
  });

  const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    copy[at] = copy[at]! ^ 0x10;
    return copy;
  };

  it.each<[string, 'gzip' | 'zstd', Uint8Array]>([
    ['gzip cut in its data', 'gzip', gz.subarray(0, gz.length - 5000)],
    ['gzip cut in its checksum', 'gzip', gz.subarray(0, gz.length - 3)],
    ['gzip cut in its second member', 'gzip', Buffer.concat([gz, gz.subarray(0, 5000)])],
    ['gzip cut in the head of its second member', 'gzip', Buffer.concat([gz, gz.subarray(0, 4)])],
    ['gzip with a bit turned', 'gzip', flipped(gz, gz.length >> 1)],
    ['gzip with a checksum turned', 'gzip', flipped(gz, gz.length - 6)],
    ['gzip with text behind it', 'gzip', Buffer.concat([gz, Buffer.from('more,rows\n')])],
    ['gzip with a zero and text behind it', 'gzip', Buffer.concat([gz, Buffer.from('\0more,rows\n')])],
    ['gzip with zeros and a member behind it', 'gzip', Buffer.concat([gz, Buffer.alloc(2_000_000), gz])],
    ['zstd cut in its data', 'zstd', zst.subarray(0, zst.length - 5000)],
    ['zstd cut in its checksum', 'zstd', zst.subarray(0, zst.length - 2)],
    ['zstd cut in its second frame', 'zstd', Buffer.concat([zst, zst.subarray(0, 3000)])],
    ['zstd cut in the head of its second frame', 'zstd', Buffer.concat([zst, zst.subarray(0, 3)])],
    ['zstd with a checksum turned', 'zstd', flipped(zst, zst.length - 2)],
    ['zstd with text behind it', 'zstd', Buffer.concat([zst, Buffer.from('more,rows\n')])],
    ['zstd with a cut frame that holds nothing', 'zstd', Buffer.concat([zst, skippable.subarray(0, 10)])],
  ])('%s is INPUT_CORRUPT', async (_, compression, bytes) => {
    const error = await failureOf(unpacked(bytes, compression));
    expect(error.code).toBe('INPUT_CORRUPT');
    expect(error.details.where).toBe('/data/t.gz');
  });

  it('every cut of an archive is INPUT_CORRUPT', async () => {
    const small = 'a,b\n1,2\n3,4\n';
    for (const [compression, bytes] of [
      ['gzip', gzipSync(small)],
      ['zstd', zstdCompressSync(small, checked)],
    ] as const) {
      for (let length = 1; length < bytes.length; length++) {
        expect((await failureOf(unpacked(bytes.subarray(0, length), compression))).code).toBe('INPUT_CORRUPT');
      }
    }
  });

  it.each<[string, string, RegExp]>([
    ['BZh91AY', 't.csv.bz2', /bzip2.*bzip2 -dc t\.csv\.bz2 \| gzip > t\.csv\.gz/],
    ['\u00fd7zXZ\0', 't.csv.xz', /packed by xz/],
    ['PK\u0003\u0004', 't.zip', /packed by zip \(or Excel\)/],
    ['\u0004"M\u0018', 't.csv.lz4', /packed by lz4/],
  ])('%j is refused by name', async (magic, name, says) => {
    const bytes = Buffer.concat([Buffer.from(magic, 'latin1'), Buffer.alloc(100)]);
    const error = await failureOf(tables.describe(bytes, { name }));
    expect(error.code).toBe('INPUT_UNSUPPORTED');
    expect(error.message).toMatch(says);
  });

  it('a Parquet file in gzip is refused, and content decides, not the name', async () => {
    const error = await failureOf(tables.describe(gzipSync('PAR1....PAR1'), { name: 't.parquet.gz' }));
    expect(error.message).toMatch(/the file is Parquet, packed by gzip.*Unpack it/);
    expect((await tables.describe('a,b\n1,2\n', { name: 't.csv.gz' })).text?.compression).toBe('none');
    expect((await tables.describe(gzipSync('{"a":1}\n'), { name: 't.csv' })).format).toBe('jsonl');
  });

  it('a sample of an archive that unpacks to very much takes little of it', async () => {
    const bomb = gzipSync(`a,b\n${'0,0\n'.repeat(50_000_000)}`);
    const before = process.memoryUsage.rss();
    expect((await tables.describe(bomb)).columns).toHaveLength(2);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
  });
});
