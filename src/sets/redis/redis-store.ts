import type {
  GenerationMeta,
  GenerationWriter,
  OverlayEntry,
  PageCount,
  PredictionStore,
  SetPointer,
  SetState,
} from '../../base/contract/prediction-set.ts';
import { RedisConnection } from './connection.ts';
import type { ConnectionSettings } from './connection-types.ts';
import { readOverlay, removeOverlay, scanOverlay, writeNewerOverlay, writeOverlay } from './overlay.ts';
import { countPages, dropGeneration, readPages } from './page-reads.ts';
import { RedisPageWriter } from './page-writer.ts';
import { createMeta, listSets, readMeta, readPointer, readState, serverTime, swapState } from './redis-state.ts';

/**
 * Prediction sets in a Redis 6.2 or newer, or a Valkey: one server, the primary that sentinels name, or a cluster. Keys are as
 * `key-layout.ts` says.
 *
 * Errors: PREDICTIONS_UNAVAILABLE, PREDICTIONS_DENIED, PREDICTIONS_FULL, PREDICTIONS_READONLY, PREDICTIONS_CONFIG. Owns: the
 * connection until `close`.
 */
export class RedisStore implements PredictionStore {
  readonly url: string;
  readonly connection: RedisConnection;

  constructor(connection: RedisConnection) {
    this.connection = connection;
    this.url = connection.url;
  }

  /** Connects to the store that a URL names. Errors: as above; nothing stays open then. */
  static async open(url: string, settings: ConnectionSettings = {}): Promise<RedisStore> {
    return new RedisStore(await RedisConnection.open(url, settings));
  }

  now(): Promise<number> {
    return serverTime(this.connection);
  }

  listSets(): Promise<string[]> {
    return listSets(this.connection);
  }

  readState(set: string): Promise<SetState | null> {
    return readState(this.connection, set);
  }

  swapState(set: string, version: number, next: SetState): Promise<boolean> {
    return swapState(this.connection, set, version, next);
  }

  readPointer(set: string): Promise<SetPointer | null> {
    return readPointer(this.connection, set);
  }

  readMeta(set: string, generation: number): Promise<GenerationMeta | null> {
    return readMeta(this.connection, set, generation);
  }

  createMeta(meta: GenerationMeta): Promise<GenerationMeta> {
    return createMeta(this.connection, meta);
  }

  writer(meta: GenerationMeta): Promise<GenerationWriter> {
    return Promise.resolve(new RedisPageWriter(this.connection, meta));
  }

  readPages(set: string, generation: number, buckets: readonly number[]): Promise<(Uint8Array | null)[]> {
    return readPages(this.connection, set, generation, buckets);
  }

  countPages(set: string, generation: number, buckets: number): Promise<PageCount> {
    return countPages(this.connection, set, generation, buckets);
  }

  dropGeneration(set: string, generation: number, buckets: number): Promise<void> {
    return dropGeneration(this.connection, set, generation, buckets);
  }

  readOverlay(set: string, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return readOverlay(this.connection, set, keys);
  }

  writeOverlay(set: string, entries: readonly OverlayEntry[]): Promise<void> {
    return writeOverlay(this.connection, set, entries);
  }

  writeNewerOverlay(set: string, entries: readonly OverlayEntry[]): Promise<number> {
    return writeNewerOverlay(this.connection, set, entries);
  }

  scanOverlay(set: string): AsyncIterable<OverlayEntry> {
    return scanOverlay(this.connection, set);
  }

  removeOverlay(set: string, entries: readonly OverlayEntry[]): Promise<number> {
    return removeOverlay(this.connection, set, entries);
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
