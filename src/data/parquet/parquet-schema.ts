import { LOGICAL, PHYSICAL, type SchemaNode } from './schema-nodes.ts';

/** A top-level column. */
export interface FooterColumn {
  readonly name: string;
  readonly isRequired: boolean;
  /** Its leaves are [firstLeaf, endLeaf). */
  readonly firstLeaf: number;
  readonly endLeaf: number;
  /** Its nodes in the schema are [firstNode, endNode). */
  readonly firstNode: number;
  readonly endNode: number;
  /** Why DuckDB would change values of this column; null when it would not. */
  readonly lossy: string | null;
  /** Why DuckDB cannot read this column, or would read it wrong. */
  readonly unsupported: string | null;
  /** What its schema leaves open: the type of all its values, or of the elements of its lists. */
  readonly untyped: 'values' | 'elements' | null;
  /** Of a plain text column: the byte of the footer that makes its values plain bytes (see `SchemaNode`). */
  readonly textByte: SchemaNode['textByte'];
}

export interface FooterLeaf {
  /** Index of its top-level column. */
  readonly column: number;
  /** Names from the top, joined by dots. */
  readonly path: string;
  /** Whether it, or a node above it, is repeated: then it does not have one value a row. */
  readonly isRepeated: boolean;
  /** Physical type as Parquet numbers it, see `PHYSICAL`. */
  readonly type: number;
}

const NANOSECONDS = 3;
const MOST_DIGITS = 38;
const MOST_DEPTH = 64;

/** Top-level columns and leaves of a schema. Errors: RangeError when the tree does not add up. */
export function readColumns(schema: readonly SchemaNode[]): { columns: FooterColumn[]; leaves: FooterLeaf[] } {
  const columns: FooterColumn[] = [];
  const leaves: FooterLeaf[] = [];
  let at = 1;
  const walk = (above: readonly string[], isInRepeated: boolean): void => {
    const node = schema[at++];
    if (node === undefined || above.length > MOST_DEPTH) throw new RangeError('the schema tree does not add up');
    const names = [...above, node.name];
    const isRepeated = isInRepeated || node.isRepeated;
    if (node.type !== null) leaves.push({ column: columns.length, path: names.join('.'), isRepeated, type: node.type });
    else for (let i = 0; i < node.children; i++) walk(names, isRepeated);
  };
  while (at < schema.length) {
    const first = at;
    const firstLeaf = leaves.length;
    walk([], false);
    const nodes = schema.slice(first, at);
    const { name, isRequired, textByte } = nodes[0]!;
    const unsupported = name.includes('\0') ? 'its name holds a NUL character' : firstOf(nodes, unsupportedReason);
    const lossy = firstOf(nodes, lossyReason);
    const untyped = untypedPart(nodes);
    columns.push({
      ...{ name, isRequired, firstLeaf, endLeaf: leaves.length, firstNode: first, endNode: at },
      ...{ lossy, unsupported, untyped, textByte },
    });
  }
  return { columns, leaves };
}

function firstOf(nodes: readonly SchemaNode[], reason: (node: SchemaNode) => string | null): string | null {
  for (const node of nodes) {
    const found = reason(node);
    if (found !== null) return found;
  }
  return null;
}

// Arrow's type `null`, which pandas writes for a column of nothing but None and for the elements of lists that are all empty.
function untypedPart(nodes: readonly SchemaNode[]): FooterColumn['untyped'] {
  const leaf = nodes.at(-1)!;
  if (leaf.logical.id !== LOGICAL.null || nodes.filter((node) => node.type !== null).length > 1) return null;
  const depth = nodes.filter((node) => node.isRepeated).length;
  return depth === 0 && nodes.length === 1 ? 'values' : depth === 1 ? 'elements' : null;
}

function lossyReason({ type, logical }: SchemaNode): string | null {
  if (type === PHYSICAL.int96) return 'INT96 timestamps are read in microseconds';
  if (logical.unit !== NANOSECONDS || !logical.isAdjustedToUtc) return null;
  if (logical.id === LOGICAL.timestamp) return 'zoned nanosecond timestamps are read in microseconds';
  return logical.id === LOGICAL.time ? 'nanosecond times in UTC are read in microseconds' : null;
}

// DuckDB reads such a decimal as a DOUBLE of other bytes: 1.25 came back as 20971520.
function unsupportedReason({ precision }: SchemaNode): string | null {
  return precision > MOST_DIGITS ? `a decimal of ${precision} digits; ${MOST_DIGITS} at most can be read` : null;
}
