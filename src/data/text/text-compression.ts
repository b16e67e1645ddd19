import zlib from 'node:zlib';
import type { TextLayout } from '../../base/contract/table.ts';
import { fileName, textFault } from './text-fault.ts';

type Compression = TextLayout['compression'];

/** What other tools make, told by its first bytes, with the command that gives its text. */
const REFUSED: readonly { readonly magic: string; readonly name: string; readonly command: string }[] = [
  { magic: 'BZh', name: 'bzip2', command: 'bzip2 -dc' },
  { magic: '\u00fd7zXZ\0', name: 'xz', command: 'xz -dc' },
  { magic: 'PK\u0003\u0004', name: 'zip (or Excel)', command: 'unzip -p' },
  { magic: '\u0004\u0022\u004d\u0018', name: 'lz4', command: 'lz4 -dc' },
  { magic: '\u001f\u009d', name: 'compress (.Z)', command: 'gzip -dc' },
  { magic: '\u00ff\u0006\0\0sNaPpY', name: 'snappy', command: 'snzip -dc' },
];

/** How the bytes are packed, by their first ones; null when they are not packed in a way that is known here. */
export function compressionOf(head: Uint8Array): 'gzip' | 'zstd' | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const isZstd = head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  return isZstd || isSkippable(head) ? 'zstd' : null;
}

/** A frame of Zstandard that holds no data; writers of seekable files put them first or last. */
export function isSkippable(head: Uint8Array): boolean {
  return ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
}

/**
 * How a file is packed.
 *
 * Errors: INPUT_UNSUPPORTED for bzip2, xz, zip and the like, with the command that repacks it, and for Zstandard on a Node.js
 * without it.
 */
export function requireCompression(head: Uint8Array, uri: string): Compression {
  const found = compressionOf(head);
  if (found === 'zstd' && typeof zlib.createZstdDecompress !== 'function') {
    throw textFault('INPUT_UNSUPPORTED', uri, 'the file is packed by Zstandard, which this Node.js does not have', {
      expected: 'Node.js 22.15 or newer',
      fix: 'Update Node.js, or pack the file by gzip.',
    });
  }
  if (found !== null) return found;
  const text = Buffer.from(head).toString('latin1');
  const refused = REFUSED.find(({ magic }) => text.startsWith(magic));
  if (refused === undefined) return 'none';
  const name = fileName(uri);
  throw textFault('INPUT_UNSUPPORTED', uri, `the file is packed by ${refused.name}`, {
    expected: 'plain text, gzip or zstd',
    fix: `Repack it: ${refused.command} ${name} | gzip > ${name.replace(/\.[^.]*$/, '')}.gz`,
  });
}

/** Whether bytes begin as one of the packings that are refused by name. */
export function isRefusedPacking(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString('latin1');
  return REFUSED.some(({ magic }) => text.startsWith(magic));
}
