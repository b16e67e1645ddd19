/** Entries that are added, at least, before the table is made anew. */
const FEWEST_ADDED = 256;

/**
 * A Map for entries that come and go by the thousand. V8 cannot shrink or clean a hash table in place: it makes another one, and the
 * old one points to it, with all entries that it had. Once one of them has become old, each later one is kept by the one before
 * until the next full collection, and so is nearly everything that was ever in the map: young collections then took 20 ms
 * instead of one. A table that is made anew in time is pointed to by nothing.
 */
export class ChurnMap<K, V> {
  private table = new Map<K, V>();
  private added = 0;

  get size(): number {
    return this.table.size;
  }

  get(key: K): V | undefined {
    return this.table.get(key);
  }

  /** Ends iterations that are under way where they are: they see no later additions. */
  set(key: K, value: V): void {
    if (++this.added > FEWEST_ADDED && this.added > 2 * this.table.size) {
      this.added = 0;
      this.table = new Map(this.table);
    }
    this.table.set(key, value);
  }

  delete(key: K): boolean {
    return this.table.delete(key);
  }

  /** In the order of addition. */
  keys(): MapIterator<K> {
    return this.table.keys();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.table[Symbol.iterator]();
  }
}

/** A Set of the same kind. */
export class ChurnSet<T> {
  private readonly table = new ChurnMap<T, true>();

  get size(): number {
    return this.table.size;
  }

  add(item: T): void {
    this.table.set(item, true);
  }

  delete(item: T): boolean {
    return this.table.delete(item);
  }

  /** In the order of addition. */
  [Symbol.iterator](): MapIterator<T> {
    return this.table.keys();
  }
}
