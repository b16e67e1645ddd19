/** Finds the row of a node by its tree and its number in the tree. */
export class RowIndex {
  private readonly ids: Float64Array;
  private readonly starts = new Map<number, number>();
  /** Rows by key, where the nodes of a tree do not stand side by side in the order of their numbers. */
  private readonly rows: Map<number, number> | null;
  private readonly trees: Float64Array;

  /** Errors: RangeError where two rows have one number. */
  constructor(trees: Float64Array, ids: Float64Array) {
    this.trees = trees;
    this.ids = ids;
    this.rows = this.isDense() ? null : rowsByKey(trees, ids);
  }

  /** Errors: RangeError where there is no such node. */
  rowOf(tree: number, id: number): number {
    if (this.rows !== null) {
      const row = this.rows.get(keyOf(tree, id));
      if (row === undefined) throw new RangeError(`there is no node ${id} in tree ${tree}`);
      return row;
    }
    const row = (this.starts.get(tree) ?? Number.NaN) + id;
    if (this.trees[row] !== tree || this.ids[row] !== id)
      throw new RangeError(`there is no node ${id} in tree ${tree}`);
    return row;
  }

  private isDense(): boolean {
    const { trees, ids, starts } = this;
    let start = 0;
    for (let row = 0; row < trees.length; row++) {
      if (row === 0 || trees[row] !== trees[row - 1]) {
        if (starts.has(trees[row]!)) return false;
        starts.set(trees[row]!, row);
        start = row;
      }
      if (ids[row] !== row - start) return false;
    }
    return true;
  }
}

function rowsByKey(trees: Float64Array, ids: Float64Array): Map<number, number> {
  const rows = new Map<number, number>();
  trees.forEach((tree, row) => {
    const key = keyOf(tree, ids[row]!);
    if (rows.has(key)) throw new RangeError(`two nodes have the number ${ids[row]} in tree ${tree}`);
    rows.set(key, row);
  });
  return rows;
}

// Trees and nodes are numbered from zero; together they make one exact number.
function keyOf(tree: number, id: number): number {
  if (!(tree >= 0 && tree < 2 ** 26 && id >= 0 && id < 2 ** 26))
    throw new RangeError('a node has an impossible number');
  return tree * 2 ** 26 + id;
}
