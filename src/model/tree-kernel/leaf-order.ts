import type { Ensemble } from '../trees/ensemble.ts';

/**
 * A node as bit vectors see it. Leaves of a tree are numbered so that the smaller subtree of every node comes first: a row that goes to the
 * other side cannot end in any of its leaves [first, end).
 */
export interface LeafSpan {
  readonly node: number;
  readonly first: number;
  readonly end: number;
  /** Rows that go right at the node lose the span; else those that go left. */
  readonly isLeft: boolean;
}

export interface LeafOrder {
  readonly spans: readonly LeafSpan[];
  /** The ensemble's leaves in their new order. */
  readonly leaves: Int32Array;
}

/** The leaves of one tree in such an order; null where it has more than `most`. `sizes` is scratch, one per node of the ensemble. */
export function leafOrder(ensemble: Ensemble, root: number, most: number, sizes: Uint32Array): LeafOrder | null {
  const { left, right } = ensemble.nodes;
  const order = depthFirst(ensemble, root, most);
  if (order === null) return null;
  const sizeOf = (child: number): number => (child < 0 ? 1 : sizes[child]!);
  for (let i = order.length - 1; i >= 0; i--) sizes[order[i]!] = sizeOf(left[order[i]!]!) + sizeOf(right[order[i]!]!);
  const leaves: number[] = [];
  const spans: LeafSpan[] = [];
  // Positions are handed down: a child's first leaf is known when its parent's is.
  const todo = [0, root];
  for (let child = todo.pop(); child !== undefined; child = todo.pop()) {
    const first = todo.pop()!;
    if (child < 0) {
      leaves[first] = ~child;
      continue;
    }
    const isLeft = sizeOf(left[child]!) <= sizeOf(right[child]!);
    const [near, far] = isLeft ? [left[child]!, right[child]!] : [right[child]!, left[child]!];
    const end = first + sizeOf(near);
    spans.push({ node: child, first, end, isLeft });
    todo.push(first, near, end, far);
  }
  return { spans, leaves: Int32Array.from(leaves) };
}

// Nodes of a tree, parents first; null where it has more leaves than allowed, so that no tree is walked for ever.
function depthFirst(ensemble: Ensemble, root: number, most: number): number[] | null {
  const { left, right } = ensemble.nodes;
  const order: number[] = [];
  const todo = [root];
  let leaves = 0;
  for (let top = todo.pop(); top !== undefined; top = todo.pop()) {
    if (top < 0) {
      if (++leaves > most) return null;
      continue;
    }
    order.push(top);
    if (order.length >= most) return null;
    todo.push(left[top]!, right[top]!);
  }
  return order;
}
