import type { DeletedRows } from '../../base/contract/plan.ts';
import type { Snapshot } from '../delta/snapshot.ts';

/** One input object, pinned by what the store said of it. */
export interface InputObject {
  readonly uri: string;
  readonly size: number;
  readonly etag: string;
  /** The table whose log names it. */
  readonly snapshot?: Snapshot;
  readonly deleted?: DeletedRows;
  /** As texts that DuckDB casts exactly; null for a null. */
  readonly pathValues: Readonly<Record<string, string | null>>;
}
