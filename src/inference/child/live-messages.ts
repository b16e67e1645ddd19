import type { ExactOption, ExactPolicy } from '../../base/contract/exact.ts';
import type { FailedRow } from '../../base/contract/live-model.ts';
import type { ModelFile } from '../../base/contract/model-files.ts';
import type { ModelInfo, TreesOption } from '../../base/contract/signature.ts';
import type { ErrorJson } from '../../base/errors/prescore-error.ts';
import type { TwinHead } from './twin-frame.ts';

/** Heads of the frames to a live scorer child. */
export type ToLiveChild =
  | ({ readonly kind: 'load' } & LiveModelFile)
  /** The frame's tensors are the feeds of `rows` rows. `fetches` null: every output that is a tensor. */
  | { readonly kind: 'score'; readonly id: number; readonly rows: number; readonly fetches: readonly string[] | null };

export interface LiveModelFile extends ModelFile {
  readonly intraOpThreads: number;
  readonly trees: TreesOption;
  readonly device: string;
  /** Whether rows must get the same bits in every batch. */
  readonly exact: ExactOption;
  /** A policy that is known to hold here; null: the model is tried. */
  readonly policy: ExactPolicy | null;
  /** Rows of a batch at most. */
  readonly mostRows: number;
  /** Whether the server takes what it needs to score by itself. */
  readonly wantsTwin: boolean;
}

/** Heads of the frames from a child. `rssBytes`: its resident memory; `twin`: what the server needs to score by itself, with the frame's tensors. */
export type FromLiveChild =
  | { readonly kind: 'loaded'; readonly info: ModelInfo; readonly rssBytes: number; readonly twin?: TwinHead }
  /** The frame's tensors are the fetches of all rows; those of failed rows are zeros. */
  | {
      readonly kind: 'scored';
      readonly id: number;
      readonly failed: readonly FailedRow[];
      readonly computeMs: number;
      /** Calls of the runtime: more than one when the batch was bisected. */
      readonly executions: number;
      readonly rssBytes: number;
    }
  | { readonly kind: 'failed'; readonly id: number | null; readonly error: ErrorJson };
