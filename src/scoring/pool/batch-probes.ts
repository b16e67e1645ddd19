import type { Binding } from '../../base/contract/binding.ts';

/** What was tried of a binding, such as batches of a device, each once: other runs of the process would disturb a second trial, and want the same. */
export class BatchProbes<T> {
  private readonly found = new Map<string, Promise<T>>();

  /** `probe` is asked when nothing is known. Errors: its own; the next one asks again. */
  get(binding: Binding, most: number, probe: () => Promise<T>): Promise<T> {
    const key = JSON.stringify([binding, most]);
    const known = this.found.get(key);
    if (known !== undefined) return known;
    const probing = probe();
    this.found.set(key, probing);
    probing.catch(() => this.found.delete(key));
    return probing;
  }
}
