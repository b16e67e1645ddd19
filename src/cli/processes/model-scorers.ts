import type { Job } from '../../base/contract/job.ts';
import type { ModelAbout } from '../../base/contract/model-about.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { LoadedScorers } from '../../run/pipeline/run-deps.ts';
import type { AllowedMemory } from './allowed-memory.ts';
import { JobScorers } from './scorers.ts';

/**
 * The scorers of one job whose model may be another one for some of its slots: an unfinished run goes on with the version that it began
 * with. Those of one model are there at a time, as each take the memory that the job allows; whoever asks for another one has no slot
 * of the one before in work.
 */
export class ModelScorers {
  private readonly stores: StoreResolver;
  private readonly allowUnpinned: boolean;
  private readonly warn: (text: string) => void;
  private current: { readonly key: string; readonly scorers: JobScorers } | null = null;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(stores: StoreResolver, allowUnpinned: boolean, warn: (text: string) => void = () => undefined) {
    this.stores = stores;
    this.allowUnpinned = allowUnpinned;
    this.warn = warn;
  }

  /** What the scorers may use together; null before they are loaded. */
  get allowed(): AllowedMemory | null {
    return this.current?.scorers.allowed ?? null;
  }

  /** Errors: those of `JobScorers.load`. Repeat: gives the same scorers for the same model. */
  async load(job: Job): Promise<LoadedScorers> {
    return (await this.of(job)).load();
  }

  /** What the file of the model says of itself. Errors: those of `load`. */
  async about(job: Job): Promise<ModelAbout> {
    return (await this.of(job)).about();
  }

  async close(): Promise<void> {
    await this.turn;
    await this.current?.scorers.close();
  }

  /** Ends everything at once: for the second signal and for failures. */
  kill(): void {
    this.current?.scorers.kill();
  }

  private of(job: Job): Promise<JobScorers> {
    const key = JSON.stringify(job.model);
    const own = this.turn.then(async () => {
      if (this.current?.key === key) return this.current.scorers;
      await this.current?.scorers.close();
      const scorers = new JobScorers(job, this.stores, this.allowUnpinned, this.warn);
      this.current = { key, scorers };
      return scorers;
    });
    this.turn = own.catch(() => undefined);
    return own;
  }
}
