import type { Binding, RejectRule } from '../../base/contract/binding.ts';
import type { ExactFinding, ExactPolicy } from '../../base/contract/exact.ts';
import type { ModelFile } from '../../base/contract/model-files.ts';
import type { RowTrial } from '../../base/contract/row-dependence.ts';
import type { ModelInfo, TreesOption } from '../../base/contract/signature.ts';
import type { ErrorJson } from '../../base/errors/prescore-error.ts';
import type { CertifyWish } from '../../model/certify/certify-session.ts';
import type { PredictionColumn } from '../tensor/fetch-columns.ts';
import type { SlabLayout } from '../tensor/slab-layout.ts';

/** What the child's main thread tells its ONNX Runtime thread. Feeds cross in shared memory, never in a message. */
export type ToThread =
  | ({
      readonly kind: 'load';
      readonly intraOpThreads: number;
      readonly trees: TreesOption;
      readonly device: string;
    } & ModelFile)
  | {
      readonly kind: 'bind';
      readonly bindingId: number;
      readonly binding: Binding;
      readonly batchRows: number;
      /** Rows of a call at most: fewer than a batch where memory was short for it. */
      readonly mostRows: number;
      readonly layout: SlabLayout;
      /** How batches go to the model; left out: as they come. */
      readonly policy?: ExactPolicy | undefined;
      /** The first rows that are scored are kept, for a trial with them. */
      readonly isKept?: boolean | undefined;
    }
  | {
      readonly kind: 'score';
      readonly bindingId: number;
      readonly ticket: number;
      readonly buffer: SharedArrayBuffer;
      /** Lengths of the runs of rows in the buffer: a batch never goes beyond one. */
      readonly spans: readonly number[];
      /** The chunk's walk, which has a dictionary of its own, and the texts that it gained since this thread was told. */
      readonly walk: number;
      readonly newTexts: readonly string[];
    }
  /** Are rows scored by themselves? Tried with batches of up to `rows`. */
  | { readonly kind: 'try'; readonly ticket: number; readonly binding: Binding; readonly rows: number }
  /** Does a row get the same bits in every batch? `binding`: how a job feeds the model; null: as it declares. */
  | { readonly kind: 'certify'; readonly ticket: number; readonly binding: Binding | null; readonly wish: CertifyWish }
  | { readonly kind: 'forget'; readonly walk: number }
  | { readonly kind: 'close' };

export interface OutputReject {
  readonly row: number;
  readonly rule: RejectRule;
  readonly column: string;
  readonly message: string;
}

export type FromThread =
  | {
      readonly kind: 'loaded';
      readonly info: ModelInfo;
      /** Feeds are copied for every batch: this Node's N-API refuses tensors over shared memory. */
      readonly isCopying: boolean;
    }
  | {
      readonly kind: 'scored';
      readonly ticket: number;
      readonly columns: readonly PredictionColumn[];
      readonly rejects: readonly OutputReject[];
      readonly scoreMs: number;
      /** In which a batch ran. */
      readonly runMs: number;
      readonly batches: number;
      /** Rows to which batches were halved for want of memory; null when they were not. */
      readonly halvedTo: number | null;
    }
  | { readonly kind: 'certified'; readonly ticket: number; readonly found: ExactFinding }
  | { readonly kind: 'tried'; readonly ticket: number; readonly found: RowTrial }
  | { readonly kind: 'failed'; readonly ticket: number | null; readonly error: ErrorJson };

/** Words of the shared control block: the child's main thread watches them for the batch deadline. */
export const CONTROL = { batches: 0, isBusy: 1, words: 2 } as const;
