import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { needRoom } from './disk-room.ts';
import type { PackageFile } from './package-files.ts';

/**
 * Writes files into `folder`, each under the name that `nameOf` gives, compares size and sha256 while it writes, and makes them last on disk.
 * What is there after a failure is worth nothing: the caller removes the folder.
 *
 * Errors: GPU_SOURCE when a file is not what its package says, GPU_PLACE when the disk has too little room.
 */
export async function unpackFiles(
  files: readonly PackageFile[],
  folder: string,
  nameOf: (path: string) => string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const needed = files.reduce((sum, file) => sum + file.bytes, 0);
  await needRoom(folder, needed, { what: 'The disk has too little room', fix: 'Free space and start again.' });
  for (const file of files) {
    const path = join(folder, nameOf(file.path));
    await mkdir(dirname(path), { recursive: true });
    await unpack(file, path);
  }
}

async function unpack(file: PackageFile, path: string): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  const out = await open(path, 'wx', 0o644);
  try {
    for await (const chunk of file.content()) {
      bytes += chunk.length;
      if (bytes > file.bytes) break;
      hash.update(chunk);
      await out.writeFile(chunk);
    }
    await out.sync();
  } finally {
    await out.close();
  }
  const sha256 = hash.digest('hex');
  if (bytes === file.bytes && sha256 === file.sha256) return;
  throw new PrescoreError('GPU_SOURCE', {
    what: 'A file of the package is damaged',
    where: file.path,
    expected: `${file.bytes} bytes, sha256 ${file.sha256}`,
    got: bytes > file.bytes ? 'more bytes' : `${bytes} bytes, sha256 ${sha256}`,
    fix: 'Get the package again.',
  });
}
