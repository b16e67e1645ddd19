import type { StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { stateDigest } from './task.ts';

const FOLDER = '_prescore-states';

/**
 * The states that this worker looks after: those named at its start, those of tasks that it took, and those that workers before
 * it wrote down below the same allowed prefixes, so that even workers that are all new find the runs of an emptied Redis.
 */
export class KnownStates {
  private readonly known = new Set<string>();
  private readonly stores: StoreResolver;
  private readonly allow: readonly string[];
  private readonly onError: (error: unknown) => void;

  constructor(
    stores: StoreResolver,
    allow: readonly string[],
    states: readonly string[],
    onError: (error: unknown) => void,
  ) {
    this.stores = stores;
    this.allow = allow;
    this.onError = onError;
    for (const state of states) this.known.add(state);
  }

  get all(): readonly string[] {
    return [...this.known];
  }

  /** Reads what earlier workers wrote down. Errors go to `onError`. */
  async load(): Promise<void> {
    for (const prefix of this.allow) {
      try {
        const records = new RecordStore(this.stores, prefix);
        for await (const { name } of records.names(FOLDER)) {
          const entry = await records.read<{ readonly state?: unknown }>(`${FOLDER}/${name}`);
          if (typeof entry?.state === 'string' && this.covers(prefix, entry.state)) this.known.add(entry.state);
        }
      } catch (error) {
        this.onError(error);
      }
    }
  }

  /** Notes the state of a task, once. Errors go to `onError`. */
  note(state: string): void {
    if (this.known.has(state)) return;
    this.known.add(state);
    const prefix = this.allow.find((each) => this.covers(each, state));
    if (prefix === undefined) return;
    new RecordStore(this.stores, prefix)
      .create(`${FOLDER}/${stateDigest(state)}.json`, { format: 1, state })
      .catch(this.onError);
  }

  private covers(prefix: string, state: string): boolean {
    return `${state}/`.startsWith(`${prefix}/`);
  }
}

/** Prefixes as given, without a slash at the end. Errors: USAGE when there is none. */
export function normalAllow(given: readonly string[], resolve: (text: string) => string): string[] {
  if (given.length === 0) {
    throw new PrescoreError('USAGE', {
      what: 'a worker needs at least one --allow',
      expected: 'the prefix of the states that it may work on, such as s3://bucket/tables',
    });
  }
  return given.map((text) => resolve(text).replace(/\/+$/, ''));
}
