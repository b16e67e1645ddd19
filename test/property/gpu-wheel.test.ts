import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isPrescoreError } from '../../src/base/errors/prescore-error.ts';
import { openWheel } from '../../src/model/gpu/package-files.ts';
import { Pieces } from '../../src/model/gpu/pieces.ts';
import { ORT_VERSION, providerFiles, providerWheel, sha256 } from '../harness/gpu-place.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

const folder = suiteFolder();
const packed = providerFiles(ORT_VERSION);
const whole = readFileSync(providerWheel(folder));

/** What a wheel holds when it is unpacked; null when it is refused in words. */
async function unpack(bytes: Buffer): Promise<Map<string, { read: Buffer; sha256: string }> | null> {
  const path = join(folder, 'damaged.whl');
  writeFileSync(path, bytes);
  try {
    const opened = await openWheel(await Pieces.open(path, [path]), (name) => name.endsWith('.so'));
    const files = new Map<string, { read: Buffer; sha256: string }>();
    for (const file of opened.files) {
      const chunks: Buffer[] = [];
      for await (const chunk of file.content()) chunks.push(chunk);
      files.set(file.path, { read: Buffer.concat(chunks), sha256: file.sha256 });
    }
    return files;
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'GPU_SOURCE') return null;
    throw error;
  }
}

it('a wheel that is whole gives its files', async () => {
  const files = await unpack(whole);
  for (const [name, bytes] of Object.entries(packed))
    expect(files?.get(`onnxruntime/capi/${name}`)?.read).toEqual(bytes);
});

it('a wheel that is damaged or cut off anywhere is refused in words, or read', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, change, isCut) => {
        const bytes = isCut ? whole.subarray(0, at) : Buffer.from(whole);
        if (!isCut) bytes[at] = (bytes[at] ?? 0) ^ change;
        const files = await unpack(bytes);
        if (files === null) refused++;
        // What has the digest that is recorded for it is what was packed.
        for (const [path, file] of files ?? [])
          if (sha256(file.read) === file.sha256) expect(file.read).toEqual(packed[basename(path)]);
      },
    ),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(150);
});
