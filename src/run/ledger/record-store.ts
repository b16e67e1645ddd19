import type { StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** The highest `format` of records that this version reads. */
export const RECORD_FORMAT = 2;

/**
 * Run records as JSON objects under one state URI. Records are only ever created (put-if-absent) or, for leases and
 * convenience copies, replaced by their owner.
 */
export class RecordStore {
  readonly uri: string;
  private readonly stores: StoreResolver;

  constructor(stores: StoreResolver, stateUri: string) {
    this.stores = stores;
    this.uri = stateUri.replace(/\/+$/, '');
  }

  /** Errors: RECORD_CORRUPT when it is no JSON or of a newer format; those of the store. Null when absent. */
  async read<T extends object>(path: string, maxBytes?: number): Promise<T | null> {
    const { store, key, uri } = this.stores.at(`${this.uri}/${path}`);
    const found = await store.get(key, maxBytes === undefined ? {} : { maxBytes });
    if (found === null) return null;
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder().decode(found.bytes));
    } catch (error) {
      throw new PrescoreError('RECORD_CORRUPT', { what: 'run record is not JSON', where: uri, cause: error });
    }
    if (typeof value !== 'object' || value === null)
      throw new PrescoreError('RECORD_CORRUPT', { what: 'run record is no object', where: uri });
    const { format } = value as { format?: unknown };
    if (typeof format === 'number' && format > RECORD_FORMAT) {
      throw new PrescoreError('RECORD_CORRUPT', {
        what: 'run record was written by a newer prescore',
        where: uri,
        expected: `format ${RECORD_FORMAT} or lower`,
        got: `${format}`,
        fix: 'Install the newer prescore.',
      });
    }
    return value as T;
  }

  /** Creates a record, a value a line or (`dense`) all in one; false when one is there already, whoever wrote it. */
  async create(path: string, value: object, form: 'lines' | 'dense' = 'lines'): Promise<boolean> {
    const { store, key } = this.stores.at(`${this.uri}/${path}`);
    return (await store.putIfAbsent(key, encode(value, form === 'lines' ? 1 : 0))).created;
  }

  /** Replaces a record that only its owner writes. */
  async replace(path: string, value: object): Promise<void> {
    const { store, key } = this.stores.at(`${this.uri}/${path}`);
    await store.put(key, encode(value));
  }

  async exists(path: string): Promise<boolean> {
    const { store, key } = this.stores.at(`${this.uri}/${path}`);
    return (await store.head(key)) !== null;
  }

  async remove(path: string): Promise<void> {
    const { store, key } = this.stores.at(`${this.uri}/${path}`);
    await store.delete(key);
  }

  /** Names below a folder, for people and garbage collection; never decides truth. */
  async *names(
    path: string,
  ): AsyncGenerator<{ readonly name: string; readonly size: number; readonly modifiedMs: number }> {
    const { store, key } = this.stores.at(`${this.uri}/${path}/`);
    const prefix = key.endsWith('/') ? key : `${key}/`;
    for await (const info of store.list(prefix)) {
      yield { name: info.key.slice(prefix.length), size: info.size, modifiedMs: info.modifiedMs };
    }
  }
}

function encode(value: object, indent = 1): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, indent)}\n`);
}
