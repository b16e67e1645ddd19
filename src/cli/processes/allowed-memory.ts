import { constrainedMemory, totalmem } from './host.ts';

const GIB = 2 ** 30;
/** Of the machine, or of the cgroup that this process is in. */
const SHARE = 0.5;
/** Where half would be too little for anything: what is left is for the operating system. */
const MOST = 0.8;
const SMALL = GIB;
/** What a publication is quick with; more would only fill memory. */
const ENOUGH_TO_PUBLISH = GIB;

export interface AllowedMemory {
  readonly bytes: number;
  /** Of so many, by itself; null where the job names a figure. */
  readonly ofBytes: number | null;
}

/**
 * What `execution.memory` allows, in bytes. `auto` is half of what there is (80 % of less than 2 GiB), divided among `parts` jobs
 * that may run at a time; never less than `leastBytes`, unless the machine has not so much.
 *
 * Errors: none; who divides it finds out whether it is enough.
 */
export function allowedMemory(
  asked: number | 'auto',
  leastBytes = 0,
  parts = 1,
  machineBytes = constrainedMemory() ?? totalmem(),
): AllowedMemory {
  if (asked !== 'auto') return { bytes: asked, ofBytes: null };
  const most = MOST * machineBytes;
  const share = Math.max(SHARE * machineBytes, Math.min(most, SMALL)) / parts;
  return { bytes: Math.floor(Math.min(most, Math.max(share, leastBytes))), ofBytes: machineBytes };
}

/** What a publisher may use. */
export function publisherMemory(asked: number | 'auto'): number {
  const { bytes, ofBytes } = allowedMemory(asked);
  return ofBytes === null ? bytes : Math.min(bytes, ENOUGH_TO_PUBLISH);
}
