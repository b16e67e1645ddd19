import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Pieces } from './pieces.ts';

/** A file to install, with what it must be. */
export interface PackageFile {
  /** Its path in the package, such as `onnxruntime/capi/libonnxruntime_providers_cuda.so`. */
  readonly path: string;
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
  /** Its content, to be compared with size and digest by whoever takes it. */
  content(): AsyncGenerator<Buffer>;
}

/** A package of Python, opened: what it is called, and those of its files that were asked for. */
export interface OpenPackage {
  readonly name: string;
  readonly version: string;
  readonly files: readonly PackageFile[];
}

interface Recorded {
  readonly sha256: string;
  readonly bytes: number;
}

/** A list of files is a few kilobytes, or a few megabytes for the largest of packages. */
const MOST_TEXT = 32 << 20;
const RECORD = /^[^/]+\.dist-info\/RECORD$/;

/**
 * Opens a wheel and picks the files whose paths pass `isWanted`, each with the size and digest of the wheel's own RECORD.
 *
 * Errors: GPU_SOURCE when it is no wheel, is damaged, or does not record a file that it holds.
 */
export async function openWheel(source: Pieces, isWanted: (path: string) => boolean): Promise<OpenPackage> {
  // Loaded here: what only asks which files a provider has needs no archives.
  const { readZipDirectory } = await import('./zip-file.ts');
  const entries = await readZipDirectory(source);
  const text = async (path: string): Promise<string> => {
    const entry = entries.get(path);
    if (entry === undefined)
      throw new PrescoreError('GPU_SOURCE', { what: `Not a wheel: no ${path}`, where: source.name });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of entry.content()) {
      bytes += chunk.length;
      if (bytes > MOST_TEXT)
        throw new PrescoreError('GPU_SOURCE', { what: `${path} is too large`, where: source.name });
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  };
  const recordPath = [...entries.keys()].find((path) => RECORD.test(path)) ?? '*.dist-info/RECORD';
  const recorded = readRecord(await text(recordPath));
  const metadata = readMetadata(await text(recordPath.replace(/RECORD$/, 'METADATA')));
  const files: PackageFile[] = [];
  for (const entry of entries.values()) {
    if (!isWanted(entry.name)) continue;
    const known = recorded.get(entry.name);
    if (known === undefined || known.bytes !== entry.bytes)
      throw new PrescoreError('GPU_SOURCE', {
        what: `${entry.name} is not as the wheel's RECORD says`,
        where: source.name,
        expected: known === undefined ? 'a size and sha256 in RECORD' : `${known.bytes} bytes`,
        got: known === undefined ? 'none' : `${entry.bytes} bytes`,
      });
    files.push({ path: entry.name, ...known, content: entry.content });
  }
  return { ...metadata, files };
}

/** Files of a RECORD (lines of path, `sha256=` in base64url, size) with their digests in hex; others are passed over. */
export function readRecord(text: string): ReadonlyMap<string, Recorded> {
  const files = new Map<string, Recorded>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^"?(.+?)"?,sha256=([\w-]+),(\d+)$/.exec(line);
    const [, path, digest, bytes] = match ?? [];
    if (path === undefined || digest === undefined) continue;
    files.set(path, { sha256: Buffer.from(digest, 'base64url').toString('hex'), bytes: Number(bytes) });
  }
  return files;
}

/** Name and version of a METADATA file; the name as the registry writes it (lower case, dashes). */
export function readMetadata(text: string): { readonly name: string; readonly version: string } {
  const field = (key: string): string => new RegExp(`^${key}: *(.+?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  return {
    name: field('Name')
      .toLowerCase()
      .replace(/[-_.]+/g, '-'),
    version: field('Version'),
  };
}
