import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../../src/base/errors/error-codes.ts';
import { describeArrow } from '../../../../src/data/arrow/arrow-ipc.ts';
import type { ByteSource } from '../../../../src/data/object-store/byte-source.ts';
import { failureOf } from '../../../harness/failure-of.ts';
import { sourceOf } from '../arrow-values/arrow-fixture.ts';
import * as forge from '../arrow-values/arrow-forge.ts';

const fields = [forge.INT32('a'), forge.UTF8('b')];
const batch = (rows: number): forge.ForgedBatch => ({
  rows,
  nodes: [
    [rows, 0],
    [rows, 0],
  ],
  buffers: [
    new Uint8Array(0),
    new Uint8Array(rows * 4),
    new Uint8Array(0),
    new Uint8Array((rows + 1) * 4),
    new Uint8Array(0),
  ],
});
const goodFile = forge.file(fields, [batch(3), batch(4), batch(5)]);
const goodStream = forge.stream(fields, [batch(3), batch(4)]);

async function expectRefusal(bytes: Uint8Array, code: ErrorCode, what?: string): Promise<void> {
  const error = await failureOf(describeArrow(sourceOf(bytes), 's3://bucket/x.arrow'));
  expect(error.message).toMatch(/^[A-Z_]+: .*s3:\/\/bucket\/x\.arrow/);
  expect([error.code, error.message]).toEqual([
    code,
    what === undefined ? error.message : expect.stringContaining(what),
  ]);
}

/** Bytes with the 4-byte footer length of a file replaced. */
function withFooterLength(length: number): Uint8Array {
  const bytes = Buffer.from(goodFile);
  bytes.writeInt32LE(length, bytes.length - 10);
  return bytes;
}

describe('describeArrow', () => {
  it('describes a file: columns, rows and ranges of its record batches', async () => {
    const summary = await describeArrow(sourceOf(goodFile));
    expect(summary.format).toBe('arrow-file');
    expect(summary.columns).toEqual([
      { name: 'a', type: 'INTEGER', nullable: true },
      { name: 'b', type: 'VARCHAR', nullable: true },
    ]);
    expect(summary.rows).toBe(12);
    expect(summary.batches.map(({ rows }) => rows)).toEqual([3, 4, 5]);
    for (const { offset } of summary.batches) {
      expect(Buffer.from(goodFile).readInt32LE(offset)).toBe(-1);
    }
  });

  it('describes a stream: columns only', async () => {
    const summary = await describeArrow(sourceOf(goodStream));
    expect(summary).toMatchObject({ format: 'arrow-stream', rows: null, batches: [] });
    expect(summary.columns.map((column) => column.name)).toEqual(['a', 'b']);
  });

  it('refuses zero bytes (A1)', () => expectRefusal(new Uint8Array(0), 'INPUT_EMPTY_FILE'));

  it('refuses what is not Arrow (A2)', async () => {
    await expectRefusal(Buffer.from('<!DOCTYPE html><title>403</title>'), 'INPUT_FORMAT');
    await expectRefusal(Buffer.from('PAR1 and so on until PAR1'), 'INPUT_FORMAT', 'got a Parquet file');
    await expectRefusal(Buffer.from('a,b\n1,2\n'), 'INPUT_FORMAT');
    await expectRefusal(Buffer.from('x'), 'INPUT_FORMAT');
    await expectRefusal(Buffer.alloc(1000), 'INPUT_FORMAT');
    await expectRefusal(Buffer.from('FEA1 and so on'), 'INPUT_UNSUPPORTED', 'Feather version 1');
    // A plausible length of metadata, and nothing like metadata behind it.
    await expectRefusal(Buffer.alloc(200, 16), 'INPUT_FORMAT');
  });

  it('refuses every cut of a file (A3)', async () => {
    for (let length = 1; length < goodFile.length; length += 7) {
      await expectRefusal(goodFile.subarray(0, length), 'INPUT_TRUNCATED');
    }
  });

  it('refuses every cut of a stream, between messages too (A3, A35)', async () => {
    for (let length = 1; length < goodStream.length; length++) {
      await expectRefusal(goodStream.subarray(0, length), 'INPUT_TRUNCATED');
    }
  });

  it('refuses a footer length beyond the file without reading it (A4)', async () => {
    let most = 0;
    const bytes = withFooterLength(2 ** 31 - 1);
    const watched: ByteSource = {
      size: bytes.length,
      read: async (offset, length) => {
        most = Math.max(most, length);
        return bytes.slice(offset, offset + length);
      },
    };
    expect((await failureOf(describeArrow(watched))).code).toBe('INPUT_FOOTER');
    expect(most).toBeLessThan(64);
  });

  it('refuses a footer length of 64 MiB and more in a file that is large enough (A4)', async () => {
    const size = 2 ** 31;
    const tail = Buffer.from('????ARROW1');
    tail.writeInt32LE(64 * 1024 * 1024 + 1);
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      expect(length).toBeLessThan(64);
      return offset === 0 ? Buffer.from('ARROW1\0\0') : tail.subarray(offset - size + 10);
    };
    expect((await failureOf(describeArrow({ size, read }))).code).toBe('INPUT_FOOTER');
  });

  it('refuses a footer length that is negative, zero, odd or too small (A5)', async () => {
    for (const length of [-1, -(2 ** 31), 0, 1, 7, 13, 101]) {
      await expectRefusal(withFooterLength(length), 'INPUT_FOOTER');
    }
  });

  it('notices record batches that are missing from the footer', async () => {
    const lost = 'belong to no record batch';
    await expectRefusal(
      forge.file(fields, [batch(3), batch(4)], { batches: (b) => b.slice(0, 1) }),
      'INPUT_FOOTER',
      lost,
    );
    await expectRefusal(forge.file(fields, [batch(3), batch(4)], { batches: (b) => b.slice(1) }), 'INPUT_FOOTER', lost);
    await expectRefusal(forge.file(fields, [batch(3), batch(4)], { batches: () => [] }), 'INPUT_FOOTER', lost);
    const twice = forge.file(fields, [batch(3), batch(3)], { batches: ([a]) => (a === undefined ? [] : [a, a]) });
    await expectRefusal(twice, 'INPUT_FOOTER', 'overlap');
  });

  it('refuses blocks outside the file', async () => {
    const blocks: forge.Block[] = [
      [-8, 256, 0],
      [2n ** 62n, 256, 0],
      [2 ** 20, 256, 0],
      [512, -256, 0],
      [512, 2 ** 30, 0],
      [512, 256, -1],
      [512, 256, 2n ** 62n],
    ];
    for (const block of blocks) {
      await expectRefusal(
        forge.file(fields, [batch(3)], { batches: () => [block] }),
        'INPUT_FOOTER',
        'outside the file',
      );
    }
  });

  it('refuses messages that are not what the footer says', async () => {
    const shifted = forge.file(fields, [batch(3)], { batches: (b) => b.map(([o, m, n]) => [o, m + 8, Number(n) - 8]) });
    await expectRefusal(shifted, 'INPUT_CORRUPT', 'record batch 0');
    const shorter = forge.file(fields, [batch(3)], { batches: (b) => b.map(([o, m, n]) => [o, m, Number(n) - 8]) });
    await expectRefusal(shorter, 'INPUT_CORRUPT', 'record batch 0');
    const schema = forge.file(fields, [{ ...batch(3), dictionary: { id: 0n } }], {
      batches: () => [],
      dictionaries: (b) => b,
    });
    expect((await describeArrow(sourceOf(schema))).rows).toBe(0);
    let dictionary: forge.Block[] = [];
    const swapped = forge.file(fields, [{ ...batch(3), dictionary: { id: 0n } }], {
      dictionaries: (b) => {
        dictionary = b;
        return [];
      },
      batches: () => dictionary,
    });
    await expectRefusal(swapped, 'INPUT_CORRUPT', 'the message is a dictionary');
  });

  it('refuses a footer whose schema is not the one at the start', async () => {
    for (const footerFields of [
      [forge.INT32('a')],
      [forge.INT32('a'), forge.UTF8('c')],
      [forge.INT32('a'), forge.INT32('b')],
    ]) {
      await expectRefusal(forge.file(fields, [batch(3)], { footerFields }), 'INPUT_FOOTER', 'schema');
    }
  });

  it('reads files that start in the ways of other writers', async () => {
    const heads = {
      'the JavaScript library: no schema': forge.MAGIC,
      'Polars: a schema that is no message': Buffer.concat([forge.MAGIC, forge.flatbuffer(forge.schemaTable(fields))]),
      'arrow-rs: magic padded to 64 bytes': Buffer.concat([forge.MAGIC, Buffer.alloc(56), forge.schemaMessage(fields)]),
    };
    for (const [writer, head] of Object.entries(heads)) {
      const summary = await describeArrow(sourceOf(forge.file(fields, [batch(3), batch(4)], { head })));
      expect([writer, summary.batches.map(({ rows }) => rows)]).toEqual([writer, [3, 4]]);
      const lost = forge.file(fields, [batch(3), batch(4)], { head, batches: (b) => b.slice(1) });
      await expectRefusal(lost, 'INPUT_FOOTER', 'belong to no record batch');
      expect((await describeArrow(sourceOf(forge.file(fields, [], { head })))).rows).toBe(0);
    }
  });

  it('refuses duplicate column names by name (A24)', async () => {
    const twins = [forge.INT32('a'), forge.UTF8('b'), forge.INT32('a')];
    await expectRefusal(forge.file(twins, []), 'INPUT_DUPLICATE_COLUMN', '"a"');
    await expectRefusal(forge.stream(twins, []), 'INPUT_DUPLICATE_COLUMN', '"a"');
  });

  it('shows odd names escaped and cut, in one line (A26)', async () => {
    const name = `line\nbreak \u202e${'x'.repeat(10_240)}`;
    const error = await failureOf(describeArrow(sourceOf(forge.stream([forge.INT32(name), forge.INT32(name)], []))));
    expect(error.message).toContain('line\\u000abreak \\u202e');
    expect(error.message.length).toBeLessThan(600);
    expect(error.message).not.toContain('\n');
  });

  it('names what it does not support', async () => {
    const endian = Buffer.concat([forge.message(forge.SCHEMA, forge.schemaTable(fields, 1)), forge.END]);
    await expectRefusal(endian, 'INPUT_UNSUPPORTED', 'big-endian');
    const old = Buffer.concat([
      forge.message(forge.SCHEMA, forge.schemaTable(fields), new Uint8Array(0), 2),
      forge.END,
    ]);
    await expectRefusal(old, 'INPUT_UNSUPPORTED', 'format V3');
    await expectRefusal(forge.stream([forge.field('later', 99)], []), 'INPUT_UNSUPPORTED', 'Arrow type number 99');
    await expectRefusal(forge.file(fields, [{ ...batch(3), codec: 7 }]), 'INPUT_UNSUPPORTED', 'codec number 7');
    await expectRefusal(forge.file(fields, [{ ...batch(0), rows: 2n ** 40n }]), 'INPUT_UNSUPPORTED', 'rows');
    await expectRefusal(Buffer.concat([forge.message(4, {}), forge.END]), 'INPUT_UNSUPPORTED', 'tensor');
  });

  it('refuses types that are out of range', async () => {
    const int = (bits: number) => forge.field('x', 2, { 0: { i32: bits } });
    const wrong = [
      int(13),
      forge.field('x', 3, { 0: { i16: 9 } }),
      forge.field('x', 7, { 0: { i32: 90 } }),
      forge.field('x', 7, { 0: { i32: 5 }, 2: { i32: 129 } }),
      forge.field('x', 8, { 0: { i16: -1 } }),
      forge.field('x', 9, { 0: { i16: 3 }, 1: { i32: 32 } }),
      forge.field('x', 12),
      forge.field('x', 17, {}, { 5: { tables: [forge.INT32('no entries')] } }),
      forge.field('x', 15, { 0: { i32: -1 } }),
      forge.field('x', 5, {}, { 4: { table: { 1: { table: { 0: { i32: 12 } } } } } }),
      forge.field(Uint8Array.of(0xff, 0xfe), 5),
      forge.field('x'.repeat(70_000), 5),
    ];
    for (const one of wrong) await expectRefusal(forge.stream([one], []), 'INPUT_FORMAT');
  });

  it('refuses metadata that points outside itself', async () => {
    // Of the message: root offset, distance to the vtable, size of vtable and table, place of a field, of the header.
    const start = 8;
    for (const [at, value] of [
      [0, 60_000],
      [0, -4],
      [24, -60_000],
      [24, 60_000],
      [8, 60_000],
      [10, 60_000],
      [12, 60_000],
      [12, 3],
      [48, 60_000],
    ]) {
      const bytes = Buffer.from(goodStream);
      const position = start + (at ?? 0);
      const isShort = [8, 10, 12].includes(at ?? 0);
      if (isShort) bytes.writeUInt16LE(value ?? 0, position);
      else bytes.writeInt32LE(value ?? 0, position);
      await expectRefusal(bytes, 'INPUT_FORMAT');
    }
  });

  it('refuses a schema that is too deep, or whose fields share their children', async () => {
    let deep = forge.INT32('leaf');
    for (let i = 0; i < 40; i++) deep = forge.field('list', 12, {}, { 5: { tables: [deep] } });
    await expectRefusal(forge.stream([deep], []), 'INPUT_FORMAT', 'deeper than 32');
    // Every struct has the same struct twice: 2^24 fields, were they all followed.
    let twice = forge.INT32('leaf');
    for (let i = 0; i < 24; i++) twice = forge.field('pair', 13, {}, { 5: { tables: [twice, forge.INT32('other')] } });
    await expectRefusal(
      shareChildren(Buffer.from(forge.stream([twice], []))),
      'INPUT_FORMAT',
      'more than 100000 fields',
    );
  });
});

/** Lets the second child of every struct be the first one again. */
function shareChildren(bytes: Buffer): Buffer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table = (at: number): number => at + view.getUint32(at, true);
  const slot = (at: number, n: number): number => at + view.getUint16(at - view.getInt32(at, true) + 4 + n * 2, true);
  const schema = table(slot(8 + view.getUint32(8, true), 2));
  let field = table(table(slot(schema, 1)) + 4);
  while (view.getUint16(field - view.getInt32(field, true), true) > 14) {
    const children = table(slot(field, 5));
    const first = table(children + 4);
    view.setUint32(children + 8, first - (children + 8), true);
    field = first;
  }
  return bytes;
}
