import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** sha256 of a local file, lower-case hex, read piece by piece. Errors: those of the file system. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(bytes as Uint8Array);
  return hash.digest('hex');
}
