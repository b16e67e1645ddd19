export { availableParallelism, tmpdir, totalmem } from 'node:os';

/** Memory limit of this process's cgroup in bytes, or null when there is none. */
export function constrainedMemory(): number | null {
  const limit = process.constrainedMemory();
  // Node answers 0 or a huge figure where no limit is set.
  return limit > 0 && limit < 2 ** 50 ? limit : null;
}
