import type { TensorSignature } from '../../base/contract/signature.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { type SourceKind, sourceKind } from '../../data/duckdb/source-kind.ts';
import type { DraftWishes } from './draft-binding.ts';

/** A column, and what its name says of it besides being a feature. */
export interface DraftColumn {
  readonly name: string;
  readonly type: string;
  /** Null when it cannot be a feature at all. */
  readonly kind: SourceKind | null;
  /** Why it is most likely no feature; null when nothing says so. */
  readonly doubt: string | null;
  /** Whether it is certainly no feature: excluded, an id that was named, or an index that pandas wrote. */
  readonly isOut: boolean;
}

const TARGETS: ReadonlySet<string> = new Set(['target', 'targets', 'label', 'labels', 'y', 'ytrue', 'groundtruth']);
const INTEGERS: ReadonlySet<string> = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UBIGINT', 'UINTEGER']);

/** Names as people compare them: without case, spaces and signs. */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
}

/** `id`, `user_id`, `PassengerId`, `uuid`, `order_key`. */
export function isIdName(name: string): boolean {
  return (
    /(^|[_\s.-])(id|key|uuid|guid)$/i.test(name) || /[a-z0-9](Id|ID|Key)$/.test(name) || /^(id|row|pk)$/i.test(name)
  );
}

/** Every column of the table with what its name says. Errors: none. */
export function columnRoles(
  columns: readonly ColumnInfo[],
  outputs: readonly TensorSignature[],
  wishes: DraftWishes,
): DraftColumn[] {
  const answers = new Set(outputs.map((tensor) => foldName(tensor.name)));
  return columns.map(({ name, type, unsupported }): DraftColumn => {
    const kind = unsupported === undefined ? sourceKind(type) : null;
    const index = indexName(name, type);
    const isOut = wishes.exclude.has(name) || wishes.id.includes(name) || index === 'sure';
    return { name, type, kind, isOut, doubt: isOut ? null : doubtOf(name, index, answers) };
  });
}

function doubtOf(name: string, index: 'sure' | 'guess' | null, answers: ReadonlySet<string>): string | null {
  const folded = foldName(name);
  if (index !== null) return 'an index, by its name';
  if (TARGETS.has(folded)) return 'the target, by its name';
  if (folded !== '' && answers.has(folded)) return 'the answer: an output of the model has its name';
  return isIdName(name) ? 'an id, by its name' : null;
}

// pandas keeps an index without a name under the first of these; the others come from reset_index and from CSV.
function indexName(name: string, type: string): 'sure' | 'guess' | null {
  if (/^__index_level_\d+__$/.test(name)) return 'sure';
  if (!INTEGERS.has(type)) return null;
  if (/^Unnamed: ?\d+(_level_\d+)?$/.test(name)) return 'sure';
  return /^(index|level_\d+)$/i.test(name) ? 'guess' : null;
}
