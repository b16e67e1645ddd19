/** What a file of `_delta_log` is, by its name. Versions have 20 digits, so that names sort as they follow each other. */
export type LogName =
  | { readonly kind: 'commit'; readonly version: number }
  /** A checkpoint of one file (`parts` 1), or a part of one. */
  | { readonly kind: 'checkpoint'; readonly version: number; readonly part: number; readonly parts: number };

/** The folder of the log, below the table's. */
export const LOG_FOLDER = '_delta_log/';

const NAME =
  /^(\d{20})\.(?:json|checkpoint\.(?:(\d{10})\.(\d{10})\.)?parquet|checkpoint\.[0-9a-f-]{36}\.(?:json|parquet))$/i;

/** Null for what is neither a commit nor a checkpoint: checksums, compacted logs, others. Errors: none. */
export function readLogName(name: string): LogName | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const version = Number(match[1]);
  if (!Number.isSafeInteger(version)) return null;
  if (!name.includes('checkpoint')) return { kind: 'commit', version };
  if (match[2] === undefined) return { kind: 'checkpoint', version, part: 1, parts: 1 };
  return { kind: 'checkpoint', version, part: Number(match[2]), parts: Number(match[3]) };
}

/** A version as it stands in names. */
export function versionDigits(version: number): string {
  return String(version).padStart(20, '0');
}
