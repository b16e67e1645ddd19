/** `y = x`, one byte a row: what a binding is asked whether it reads shared memory with. Opset 13, 63 bytes. */
const IDENTITY =
  '08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080212040a020801620f0a0179120a0a08080212040a0208014202100d';
const ASKED = 7;

/** Runs a model with one input `x` of bytes and one output `y`; gives the elements of `y`. */
export type RunBytes = (model: Uint8Array, x: Uint8Array) => Promise<ArrayLike<unknown>>;

let answer: Promise<boolean> | null = null;

/**
 * Whether the runtime takes tensors that lie in shared memory. Node's N-API decides that: before 22.21 and 24.9 it refuses their buffers
 * ("Invalid argument"), so every batch would fail. Asked by running one, not by the version of Node: what counts is the N-API and the
 * binding together, lines of Node got the change at different times, and vendors build their own. Under a millisecond, once a thread.
 *
 * No errors: whatever goes wrong, copies are right.
 */
export function takesSharedMemory(run: RunBytes): Promise<boolean> {
  answer ??= readsShared(run).catch(() => false);
  return answer;
}

/** `takesSharedMemory` without its memory. Errors: those of `run`. */
export async function readsShared(run: RunBytes): Promise<boolean> {
  const x = new Uint8Array(new SharedArrayBuffer(1)).fill(ASKED);
  return (await run(Buffer.from(IDENTITY, 'hex'), x))[0] === ASKED;
}

/**
 * Memory of a thread's own for feeds that lie in shared memory: one buffer a tensor, used again for every batch, as large as the largest
 * so far.
 */
export class PrivateFeeds {
  private readonly buffers = new Map<string, ArrayBuffer>();

  /**
   * The same elements in private memory; what lies there already is given back as it is. Owns: this object; the copy holds until the next
   * one of the same tensor.
   */
  copyOf(tensor: string, data: ArrayLike<unknown>): ArrayLike<unknown> {
    if (!ArrayBuffer.isView(data) || !(data.buffer instanceof SharedArrayBuffer)) return data;
    const from = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    let buffer = this.buffers.get(tensor);
    if (buffer === undefined || buffer.byteLength < from.length) {
      // Let go first: for a moment there would be two.
      this.buffers.delete(tensor);
      buffer = new ArrayBuffer(from.length);
      this.buffers.set(tensor, buffer);
    }
    new Uint8Array(buffer).set(from);
    const View = data.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => ArrayLike<unknown>;
    return new View(buffer, 0, (data as ArrayLike<unknown>).length);
  }
}
