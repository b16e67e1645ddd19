import type { Binding } from '../../base/contract/binding.ts';
import type { ProbeResult } from '../child/messages.ts';

/** The batches of a device by binding, each tried out once: other runs of the process would disturb a second trial, and want the same. */
export class BatchProbes {
  private readonly found = new Map<string, Promise<ProbeResult>>();

  /** `probe` is asked when nothing is known. Errors: its own; the next one asks again. */
  get(binding: Binding, most: number, probe: () => Promise<ProbeResult>): Promise<ProbeResult> {
    const key = JSON.stringify([binding, most]);
    const known = this.found.get(key);
    if (known !== undefined) return known;
    const probing = probe();
    this.found.set(key, probing);
    probing.catch(() => this.found.delete(key));
    return probing;
  }
}
