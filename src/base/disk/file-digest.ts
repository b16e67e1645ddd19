import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** sha256 of a local file, lower-case hex, read piece by piece. Errors: those of the file system. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(bytes as Uint8Array);
  return hash.digest('hex');
}

/** The same; null when it is not there. Errors: those of the file system. */
export async function digestIfThere(path: string): Promise<string | null> {
  return (await stat(path).catch(() => null)) === null ? null : fileDigest(path);
}
