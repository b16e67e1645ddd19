import type {
  ByteRange,
  LocalPart,
  ObjectInfo,
  ObjectStore,
  StagedPart,
  StoreAbilities,
  StoredBytes,
} from '../../src/base/contract/object-store.ts';

/** When a process dies: before a call to its store, while it is under way, or when it has been answered and nobody has heard yet. */
export type DeathHow = 'before' | 'during' | 'after';

/** A real store whose process kills itself at its n-th call (from 1); never with 0. */
export class DyingStore implements ObjectStore {
  readonly kind: 'file' | 's3';
  private readonly inner: ObjectStore;
  private readonly at: number;
  private readonly how: DeathHow;
  private calls = 0;

  constructor(inner: ObjectStore, at: number, how: DeathHow) {
    this.inner = inner;
    this.kind = inner.kind;
    this.at = at;
    this.how = how;
  }

  private async call<T>(work: () => Promise<T>): Promise<T> {
    const isLast = ++this.calls === this.at;
    if (isLast && this.how === 'before') die();
    const running = work();
    if (isLast && this.how === 'during') setImmediate(die);
    const answer = await running;
    if (isLast) die();
    return answer;
  }

  uriOf(key: string): string {
    return this.inner.uriOf(key);
  }
  localPath(key: string): string | null {
    return this.inner.localPath(key);
  }
  head(key: string): Promise<ObjectInfo | null> {
    return this.call(() => this.inner.head(key));
  }
  async *list(prefix: string, after?: string): AsyncGenerator<ObjectInfo> {
    yield* await this.call(() => Array.fromAsync(this.inner.list(prefix, after)));
  }
  get(key: string, options?: { readonly maxBytes?: number }): Promise<StoredBytes | null> {
    return this.call(() => this.inner.get(key, options));
  }
  readRange(key: string, range: ByteRange, etag: string, into: Uint8Array, intoOffset?: number): Promise<void> {
    return this.call(() => this.inner.readRange(key, range, etag, into, intoOffset));
  }
  put(key: string, body: Uint8Array): Promise<void> {
    return this.call(() => this.inner.put(key, body));
  }
  putIfAbsent(key: string, body: Uint8Array): Promise<{ readonly created: boolean }> {
    return this.call(() => this.inner.putIfAbsent(key, body));
  }
  delete(key: string): Promise<void> {
    return this.call(() => this.inner.delete(key));
  }
  stagingPath(key: string, runId: string): Promise<string | null> {
    return this.inner.stagingPath(key, runId);
  }
  stage(key: string, local: LocalPart): Promise<StagedPart> {
    return this.call(() => this.inner.stage(key, local));
  }
  completeStaged(key: string, staged: StagedPart): Promise<'completed' | 'gone'> {
    return this.call(() => this.inner.completeStaged(key, staged));
  }
  abortStaged(key: string, staged: StagedPart): Promise<void> {
    return this.inner.abortStaged(key, staged);
  }
  dropStaged(prefix: string, runId: string): Promise<void> {
    return this.inner.dropStaged(prefix, runId);
  }
  hasStaged(prefix: string, runId: string): Promise<boolean> {
    return this.inner.hasStaged(prefix, runId);
  }
  probe(prefix: string): Promise<StoreAbilities> {
    return this.inner.probe(prefix);
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // Nothing more is done until the signal has come.
  for (;;);
}
