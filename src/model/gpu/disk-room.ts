import { statfs } from 'node:fs/promises';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** Makes sure that the disk of a folder that is there has room for so many bytes. Errors: GPU_PLACE, in the caller's words. */
export async function needRoom(
  folder: string,
  bytes: number,
  words: { readonly what: string; readonly fix: string },
): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new PrescoreError('GPU_PLACE', {
    ...words,
    where: folder,
    expected: `${bytes} bytes`,
    got: `${bavail * bsize} bytes free`,
  });
}
