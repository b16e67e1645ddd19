import type { FileKind, Recognised } from './file-kinds.ts';
import { type FileSample, latin1 } from './file-sample.ts';

/** What archives hold that are a format of their own; the first that fits decides. */
const CONTENTS: readonly (readonly [kind: FileKind, file: RegExp])[] = [
  ['xlsx', /^xl\/workbook\.(xml|bin)$/],
  ['torch-script', /(^|\/)(constants\.pkl|code\/__torch__.*)$/],
  ['torch-export', /(^|\/)(archive_format|models\/model\.json|serialized_exported_program\.json)$/],
  ['torch', /(^|\/)data\.pkl$/],
  ['keras', /^(model\.weights\.h5|metadata\.json)$/],
  ['mojo', /^model\.ini$/],
  ['npz', /\.npy$/],
];

/** What may lie in an archive that only carries it. */
const CARRIED: readonly (readonly [kind: FileKind, file: RegExp])[] = [
  ['onnx', /\.onnx$/i],
  ['saved-model', /(^|\/)saved_model\.pb$/],
  ['parquet', /\.(parquet|pq)$/i],
  ['csv', /\.(csv|tsv)$/i],
  ['jsonl', /\.(jsonl|ndjson)$/i],
  ['sklearn-pickle', /\.(pkl|pickle|joblib)$/i],
];

/** A zip archive by the names of what is in it. Errors: none. */
export function zipKind({ head, tail }: FileSample): Recognised | null {
  if (!latin1(head.subarray(0, 4)).startsWith('PK\x03\x04')) return null;
  const names = [...entryNames(head, 'PK\x03\x04', 26, 30), ...entryNames(tail, 'PK\x01\x02', 28, 46)];
  const kind = CONTENTS.find(([, file]) => names.some((name) => file.test(name)))?.[0];
  if (kind !== undefined) return { kind };
  const inside = CARRIED.find(([, file]) => names.some((name) => file.test(name)))?.[0];
  return inside === undefined ? { kind: 'zip' } : { kind: 'zip', inside };
}

// Names stand behind each file's header, and again in the directory at the end. A mark that is part of data gives a name that
// fits nothing.
function entryNames(bytes: Uint8Array, mark: string, lengthAt: number, nameAt: number): string[] {
  const text = latin1(bytes);
  const names: string[] = [];
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 4)) {
    const length = text.charCodeAt(at + lengthAt) + 256 * text.charCodeAt(at + lengthAt + 1);
    if (Number.isFinite(length) && length < 1024) names.push(text.slice(at + nameAt, at + nameAt + length));
  }
  return names;
}
