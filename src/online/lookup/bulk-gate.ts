import { Turns } from '../../base/lanes/turns.ts';

/** Requests of up to this many keys never wait. */
const SMALL = 32;
/** Keys of larger requests that are with the store at a time. */
const MOST_KEYS = 512;

/**
 * Lets requests of many keys to the store a few at a time. A page is 2 KiB: sixteen requests of 256 keys at once are 8 MiB of
 * replies, behind which single keys would wait, and be taken for those of a store that does not answer.
 */
export class BulkGate {
  private readonly turns = new Turns(MOST_KEYS);

  /** Does the task when it is its turn. Errors: those of the task. */
  async pass<T>(keys: number, task: () => Promise<T>): Promise<T> {
    return keys <= SMALL ? task() : this.turns.run(keys, task);
  }
}
