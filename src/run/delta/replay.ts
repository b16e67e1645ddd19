import type { DeletedRows } from '../../base/contract/plan.ts';
import { dataPlace } from './data-place.ts';
import { deletedRows } from './deletion-vector.ts';
import { damaged, type Fields, isFields, notSupported } from './log-fault.ts';

/** A data file that counts. */
export interface AddedFile {
  /** Its place, as `dataPlace` gives it. */
  readonly place: string;
  /** Bytes, as the log says. */
  readonly size: number;
  /** Partition column (its physical name) to text; null for a null. */
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly deleted?: DeletedRows;
}

/** The state of a table while its log is read, oldest first. */
export class Replay {
  private readonly root: string;
  private readonly files = new Map<string, AddedFile>();
  private currentProtocol: Fields | null = null;
  private currentMetadata: Fields | null = null;
  private readonly known = new Map<string, AddedFile['partitionValues']>();

  /** `root`: the URI of the table, with its slash. */
  constructor(root: string) {
    this.root = root;
  }

  get isBegun(): boolean {
    return this.currentProtocol !== null && this.currentMetadata !== null;
  }

  /** The last `protocol` and `metaData` that were seen. Errors: INPUT_TABLE_LOG where there was none. */
  get protocol(): Fields {
    if (this.currentProtocol === null) throw damaged('the log of the table has no protocol', this.root);
    return this.currentProtocol;
  }

  get metadata(): Fields {
    if (this.currentMetadata === null) throw damaged('the log of the table has no metadata', this.root);
    return this.currentMetadata;
  }

  /** Files that count, in no particular order. */
  get added(): readonly AddedFile[] {
    return [...this.files.values()];
  }

  /** Takes an action of a commit or a checkpoint in; those that say nothing of rows are passed over. Errors: INPUT_TABLE_LOG. */
  take(action: Fields, where: string): void {
    const { add, remove, protocol, metaData } = action;
    if (isFields(protocol)) this.currentProtocol = protocol;
    if (isFields(metaData)) this.currentMetadata = metaData;
    if (isFields(remove)) this.files.delete(this.keyOf(remove, where));
    if (!isFields(add)) return;
    const { size, partitionValues } = add;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw damaged('a data file has no size in the log', where, JSON.stringify(add['path']));
    }
    const vector = add['deletionVector'];
    const deleted = isFields(vector) ? deletedRows(vector, this.root, where) : null;
    this.files.set(this.keyOf(add, where), {
      place: this.placeOf(add, where),
      size,
      partitionValues: this.valuesOf(partitionValues ?? {}, where),
      ...(deleted === null ? {} : { deleted }),
    });
  }

  // A file with other deleted rows is another file for the log.
  private keyOf(action: Fields, where: string): string {
    const { deletionVector: vector } = action;
    const place = this.placeOf(action, where);
    if (!isFields(vector)) return place;
    const offset = vector['offset'] ?? null;
    return `${place}\0${String(vector['storageType'])}${String(vector['pathOrInlineDv'])}${offset === null ? '' : `@${String(offset)}`}`;
  }

  private placeOf({ path }: Fields, where: string): string {
    if (typeof path !== 'string' || path === '') throw damaged('a data file has no path in the log', where);
    const place = dataPlace(path, this.root);
    if (place.kind === 'place') return place.uri;
    if (place.kind === 'foreign') {
      const fix = 'Copy the table as a whole, so that its log names its own files (a deep clone).';
      throw notSupported('the table has a data file in another kind of store', path, fix);
    }
    throw damaged('the path of a data file cannot be decoded', where, JSON.stringify(path));
  }

  // Files of one partition share their values.
  private valuesOf(values: unknown, where: string): AddedFile['partitionValues'] {
    const text = JSON.stringify(values);
    const found = this.known.get(text);
    if (found !== undefined) return found;
    const isText = (value: unknown): value is string | null => value === null || typeof value === 'string';
    const entries = isFields(values) ? Object.entries(values) : [];
    const texts = entries.flatMap(([key, value]): [string, string | null][] => (isText(value) ? [[key, value]] : []));
    if (!isFields(values) || texts.length < entries.length) {
      throw damaged('the partition values of a data file are no texts', where, text);
    }
    const made = Object.fromEntries(texts);
    this.known.set(text, made);
    return made;
  }
}
