import { gunzipSync, inflateSync, constants as zlib } from 'node:zlib';
import type { FileKind, Recognised } from './file-kinds.ts';
import { type FileSample, latin1 } from './file-sample.ts';

/** Bytes that formats begin with, or have at a fixed place. Longer ones first where one begins another. */
const MAGIC: readonly (readonly [kind: FileKind, bytes: string, at?: number])[] = [
  ['parquet', 'PAR1'],
  ['parquet', 'PARE'],
  ['arrow', 'ARROW1'],
  ['arrow', '\xff\xff\xff\xff'],
  ['feather1', 'FEA1'],
  ['orc', 'ORC'],
  ['avro', 'Obj\x01'],
  ['sqlite', 'SQLite format 3\0'],
  ['duckdb', 'DUCK', 8],
  ['xls', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
  ['npy', '\x93NUMPY'],
  ['rds', 'RDX2\n'],
  ['rds', 'RDX3\n'],
  ['rds', 'X\n\0\0\0'],
  ['sas', '\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\0\x09\xc7\x31\x8c\x18\x1f\x10\x11', 12],
  ['spss', '$FL2@(#)'],
  ['spss', '$FL3@(#)'],
  ['ort', 'ORTM', 4],
  ['tflite', 'TFL3', 4],
  ['catboost-cbm', 'CBM1'],
  ['xgboost-binary', 'binf'],
  ['xgboost-binary', 'bs64'],
  ['xgboost-ubj', '{L\0\0\0\0\0\0\0\x07learner'],
  ['tensorrt', 'ftrt'],
  ['gguf', 'GGUF'],
  ['pdf', '%PDF-'],
  ['image', '\x89PNG\r\n'],
  ['image', '\xff\xd8\xff'],
  ['image', 'GIF8'],
  ['gzip', '\x1f\x8b'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['xz', '\xfd7zXZ\0'],
  ['bzip2', 'BZh'],
  ['lz4', '\x04\x22\x4d\x18'],
  ['sevenzip', '7z\xbc\xaf\x27\x1c'],
  ['tar', 'ustar', 257],
];

/** Of packed bytes no more than this is unpacked to see what is inside. */
const PEEK_BYTES = 4096;

/**
 * A file by the bytes at fixed places. `inner` recognises what is inside of what is packed with gzip or zlib.
 *
 * Errors: none.
 */
export function binaryKind(sample: FileSample, inner: (unpacked: FileSample) => Recognised | null): Recognised | null {
  const text = latin1(sample.head.subarray(0, 512));
  const kind = MAGIC.find(([, bytes, at = 0]) => text.startsWith(bytes, at))?.[0];
  if (kind === 'gzip') return packed('gzip', sample, inner);
  if (kind !== undefined) return { kind };
  // Before version 117 a table begins with its version, the byte order and two fixed bytes.
  if (/^[q-s][\x01\x02]\x01\0/.test(text)) return { kind: 'stata' };
  if (isSafetensors(sample, text)) return { kind: 'safetensors' };
  if (text.startsWith('\x89HDF\r\n\x1a\n')) return hdf5Kind(sample);
  // Two bytes say little: only what unpacks is zlib, as joblib writes it.
  return /^\x78[\x01\x5e\x9c\xda]/.test(text) ? packed('zlib', sample, inner) : null;
}

function packed(
  kind: 'gzip' | 'zlib',
  sample: FileSample,
  inner: (s: FileSample) => Recognised | null,
): Recognised | null {
  const head = unpack(kind, sample.head.subarray(0, PEEK_BYTES));
  if (head === null) return kind === 'gzip' ? { kind } : null;
  const name = sample.name.replace(/\.(gz|gzip|z)$/i, '');
  const found = inner({ name, size: Number.POSITIVE_INFINITY, head, tail: new Uint8Array() });
  return found === null ? { kind } : { ...found, kind, inside: found.kind };
}

function unpack(kind: 'gzip' | 'zlib', bytes: Uint8Array): Uint8Array | null {
  const options = { finishFlush: zlib.Z_SYNC_FLUSH };
  try {
    return kind === 'gzip' ? gunzipSync(bytes, options) : inflateSync(bytes, options);
  } catch {
    // Not packed in this way after all, or damaged.
    return null;
  }
}

// Eight bytes of length, then a JSON object with the type of each tensor.
function isSafetensors({ head, size }: FileSample, text: string): boolean {
  if (head.length < 10 || !/^\{\s*"/.test(text.slice(8, 24))) return false;
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  return length < BigInt(Number.isFinite(size) ? size : Number.MAX_SAFE_INTEGER) && /"dtype"|__metadata__/.test(text);
}

// Keras keeps its version and the layers in attributes; pandas the kind of its frames.
function hdf5Kind({ head, tail }: FileSample): Recognised {
  const text = latin1(head) + latin1(tail);
  if (/keras_version|model_config|layer_names|_layer_checkpoint_dependencies/.test(text)) return { kind: 'keras' };
  return { kind: 'hdf5' };
}
