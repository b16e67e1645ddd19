/** What may be under way at a time. */
export interface Together {
  readonly most: number;
  /** Sum of what `weigh` says; what weighs more than that goes alone. */
  readonly mostWeight: number;
}

/**
 * Runs a task for each item, several at a time, begun in order; gives their results in order. After a failure nothing more is begun.
 *
 * Errors: that of the first item that failed, once nothing is under way any more.
 */
export async function together<T, R>(
  items: readonly T[],
  { most, mostWeight }: Together,
  weigh: (item: T) => number,
  task: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: { readonly at: number; readonly error: unknown }[] = [];
  const going = new Set<Promise<void>>();
  let weight = 0;
  for (const [at, item] of items.entries()) {
    const own = weigh(item);
    while (going.size > 0 && failures.length === 0 && (going.size >= most || weight + own > mostWeight))
      await Promise.race(going);
    if (failures.length > 0) break;
    weight += own;
    const running: Promise<void> = task(item)
      .then(
        (result) => {
          results[at] = result;
        },
        (error: unknown) => void failures.push({ at, error }),
      )
      .finally(() => {
        weight -= own;
        going.delete(running);
      });
    going.add(running);
  }
  await Promise.all(going);
  const [first] = failures.sort((a, b) => a.at - b.at);
  if (first !== undefined) throw first.error;
  return results;
}
