import type { ExactOption, ExactPolicy } from '../../base/contract/exact.ts';
import type { LiveModel, ModelHost } from '../../base/contract/live-model.ts';
import type { ModelFiles } from '../../base/contract/model-files.ts';
import type { ModelStats } from './inference-events.ts';
import type { LabelState } from './label-events.ts';

/** A model that does not come from the folder, such as that of a job. */
export interface GivenModel {
  readonly name: string;
  readonly version: string | null;
  /** Lower-case hex; the child that loads the bytes compares it. */
  readonly sha256: string;
  /** Files that nobody changes while the host is open, or the bytes themselves. */
  readonly file: ModelFiles | { readonly bytes: Uint8Array };
  /** Never unloaded for idleness or memory. */
  readonly pinned?: boolean;
  /** Whether its rows must get the same bits in every batch; left out: as those of the folder. */
  readonly exact?: ExactOption | undefined;
  /** The policy that is known to do it here. */
  readonly policy?: ExactPolicy | null | undefined;
}

/** The models of a server, with what a server needs beside `ModelHost`. */
export interface LiveModelHost extends ModelHost {
  /** Resolves when the folder was listed, or the registry asked, and what is always loaded was loaded, or was not: the index says which. */
  readonly settled: Promise<void>;
  /**
   * Serves a model beside those of the folder and loads it. The handle stays good for as long as the host is open: a
   * request loads the model again where it was unloaded. One name and version is one model.
   *
   * Errors: MODEL_INVALID when another model has the name and version; those of `model`.
   */
  addModel(model: GivenModel): Promise<LiveModel>;
  /** Figures of all loaded versions, for gauges. */
  stats(): readonly ModelStats[];
  /** What is served of a registry, in the order of the list; nothing where there is none. */
  labels(): readonly LabelState[];
  /** Milliseconds since the labels were last looked up; null without a registry. */
  registryAgeMs(): number | null;
}
