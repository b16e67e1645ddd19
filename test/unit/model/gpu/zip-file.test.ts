import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Pieces } from '../../../../src/model/gpu/pieces.ts';
import { readZipDirectory } from '../../../../src/model/gpu/zip-file.ts';
import { failureOf } from '../../../harness/failure-of.ts';
import { suiteFolder } from '../../../harness/suite-folder.ts';
import { makeWheel } from '../../../harness/wheel.ts';

const folder = suiteFolder();
const text = Buffer.from('a text that is packed, '.repeat(40_000));
const files = { 'pkg/packed.txt': text, 'pkg/WHEEL': Buffer.from('stored') };
const whole = readFileSync(makeWheel(folder, { name: 'pkg', version: '1', tags: 'py3-none-any', files }));
const END_BYTES = 22;
const directoryAt = whole.readUInt32LE(whole.length - END_BYTES + 16);

/** The archive in parts of these bytes. */
async function archive(...parts: readonly Uint8Array[]): Promise<Pieces> {
  const paths = parts.map((part, i) => {
    const path = join(folder, `archive.${i}`);
    writeFileSync(path, part);
    return path;
  });
  return Pieces.open('archive', paths);
}

async function read(source: Pieces, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await readZipDirectory(source)).get(name)!.content()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The archive with bytes of it changed. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(whole);
  change(bytes);
  return bytes;
}

/** As archives of over 4 GiB end: the directory's place is in a record of 64-bit numbers. */
function zip64(): Buffer {
  const end = whole.subarray(whole.length - END_BYTES);
  const record = Buffer.alloc(56);
  record.write('PK\x06\x06', 'latin1');
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(end.readUInt16LE(8)), 24);
  record.writeBigUInt64LE(BigInt(end.readUInt16LE(10)), 32);
  record.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40);
  record.writeBigUInt64LE(BigInt(directoryAt), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(BigInt(whole.length - END_BYTES), 8);
  locator.writeUInt32LE(1, 16);
  const last = Buffer.from(end);
  last.fill(0xff, 8, 20);
  return Buffer.concat([whole.subarray(0, whole.length - END_BYTES), record, locator, last]);
}

it('reads packed and stored files, from one file and from parts', async () => {
  for (const parts of [
    [whole],
    [whole.subarray(0, 7), whole.subarray(7, directoryAt + 5), whole.subarray(directoryAt + 5)],
  ]) {
    expect(await read(await archive(...parts), 'pkg/packed.txt')).toEqual(text);
    expect((await read(await archive(...parts), 'pkg/WHEEL')).toString()).toBe('stored');
  }
});

it('reads the 64-bit form', async () => {
  expect(await read(await archive(zip64()), 'pkg/packed.txt')).toEqual(text);
});

it.each([
  ['leads out of the archive', '../packed.text'],
  ['is a path of the machine', '/kg/packed.txt'],
])('refuses a name that %s', async (_what, name) => {
  const at = whole.indexOf('pkg/packed.txt', directoryAt);
  const source = await archive(changed((bytes) => bytes.write(name, at)));
  const failure = await failureOf(readZipDirectory(source));
  expect([failure.code, failure.message]).toEqual(['GPU_SOURCE', expect.stringContaining('directory')]);
});

it.each([
  ['encrypted', 8, 1],
  ['packed by a method that wheels do not use', 10, 12],
])('refuses a file that is %s, when it is read', async (_what, at, value) => {
  const source = await archive(changed((bytes) => bytes.writeUInt16LE(value, directoryAt + at)));
  const failure = await failureOf(read(source, 'pkg/packed.txt'));
  expect([failure.code, failure.message]).toEqual(['GPU_SOURCE', expect.stringContaining('pkg/packed.txt')]);
});

it('an archive that shrinks while it is read is refused', async () => {
  const source = await archive(whole);
  const entry = (await readZipDirectory(source)).get('pkg/packed.txt')!;
  await archive(whole.subarray(0, 100));
  const failure = await failureOf(async () => {
    for await (const chunk of entry.content()) expect(chunk.length).toBeGreaterThan(0);
  });
  expect(failure.code).toBe('GPU_SOURCE');
});

it('who stops in the middle leaves nothing behind that fails later', async () => {
  const source = await archive(whole);
  for await (const chunk of (await readZipDirectory(source)).get('pkg/packed.txt')!.content()) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  await archive(new Uint8Array(0));
  await new Promise((resolve) => setTimeout(resolve, 50));
});
