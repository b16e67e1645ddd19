import type { ErrorJson } from '../../base/errors/prescore-error.ts';
import type { Publication } from '../../sets/publish/publication.ts';
import type { PublishOutcome, PublishProgress } from '../../sets/publish/publish-set.ts';
import type { Reclaimed } from '../../sets/publish/reclaim.ts';

/** What the publisher process is asked to do. */
export interface PublishRequest {
  readonly publication: Publication;
  readonly isForced: boolean;
  readonly isRebuild: boolean;
  readonly memoryBytes: number;
  readonly scratchDir: string;
  readonly scratchBytes: number;
}

export interface PublishReport {
  readonly outcome: PublishOutcome | { readonly kind: 'upserted'; readonly rows: number };
  readonly isAgainAsked: boolean;
  readonly reclaimed: Reclaimed;
  readonly warnings: readonly string[];
}

export type FromPublisher =
  | { readonly kind: 'progress'; readonly progress: PublishProgress }
  | { readonly kind: 'done'; readonly report: PublishReport }
  | { readonly kind: 'failed'; readonly error: ErrorJson };
