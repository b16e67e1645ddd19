/** The folder of an unpartitioned job's manifests. */
const NO_PARTITION = '_';

/**
 * The folder name of a partition within `<state>/manifests/`: one path segment, reversible, never `.`, `..` or `_`.
 *
 * Errors: none for values that the job file accepts (well-formed text).
 */
export function partitionFolder(partition: string | null): string {
  if (partition === null) return NO_PARTITION;
  if (partition === '.' || partition === '..') return partition.replaceAll('.', '%2E');
  return encodeURIComponent(partition).replace(/^_/, '%5F');
}

/** The inverse of `partitionFolder`; undefined for a name that it does not produce. Errors: none. */
export function partitionOfFolder(name: string): string | null | undefined {
  if (name === NO_PARTITION) return null;
  try {
    const partition = decodeURIComponent(name);
    return name !== '' && partitionFolder(partition) === name ? partition : undefined;
  } catch {
    return undefined;
  }
}
