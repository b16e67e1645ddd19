import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { ArrowLocalFile } from '../arrow/arrow-local-file.ts';
import type { ArrowMemory } from '../arrow/arrow-memory.ts';
import type { BatchHeader } from '../arrow/arrow-message.ts';
import type { ArrowField } from '../arrow/arrow-schema.ts';
import { ArrowBody } from './arrow-body.ts';
import { decodeColumn } from './arrow-decode.ts';
import { DictionaryValues } from './arrow-dictionary-values.ts';
import { layoutFields } from './arrow-layout.ts';

/** The dictionaries that the wanted columns use, as far as they have been read. Others are passed over. */
export class ArrowDictionaries {
  private readonly file: ArrowLocalFile;
  private readonly memory: ArrowMemory;
  private readonly fields = new Map<bigint, ArrowField>();
  private readonly loaded = new Map<bigint, DictionaryValues>();

  /** Errors: INPUT_CORRUPT when columns of different types share a dictionary. */
  constructor(wanted: readonly ArrowField[], file: ArrowLocalFile, memory: ArrowMemory, place: ArrowPlace) {
    this.file = file;
    this.memory = memory;
    for (const field of wanted) this.want(field, place);
  }

  /** Null when the dictionary has not been read. */
  values(id: bigint): DictionaryValues | null {
    return this.loaded.get(id) ?? null;
  }

  /**
   * Takes in a dictionary batch: a new dictionary, a replacement, or more values for one. Columns decoded before keep the
   * values that they were decoded with. `bodyOffset`: bytes from the start of the file.
   *
   * Errors: those of `decodeColumn`; INPUT_CORRUPT for a delta without a dictionary.
   */
  load(id: bigint, isDelta: boolean, batch: BatchHeader, bodyOffset: number, place: ArrowPlace): void {
    const field = this.fields.get(id);
    if (field === undefined) return;
    const before = this.loaded.get(id);
    if (isDelta && before === undefined)
      throw place.fault('INPUT_CORRUPT', 'a dictionary starts with an addition to it');
    const used = this.memory.used;
    this.memory.take(batch.rows, place);
    const body = new ArrowBody(this.file, bodyOffset, batch, this.memory);
    for (const layout of layoutFields([field], batch, place)) {
      const part = decodeColumn(layout, { body, dictionary: (other) => this.values(other), place });
      const values = isDelta && before !== undefined ? before : new DictionaryValues();
      values.add(part, this.memory.used - used);
      this.loaded.set(id, values);
    }
    if (!isDelta) this.memory.give(before?.held ?? 0);
  }

  private want(field: ArrowField, place: ArrowPlace): void {
    if (field.dictionary !== null) {
      const { id } = field.dictionary;
      const known = this.fields.get(id);
      if (known !== undefined && JSON.stringify(known.type) !== JSON.stringify(field.type)) {
        throw place.inColumn(field.name).fault('INPUT_CORRUPT', `columns of different types share dictionary ${id}`);
      }
      this.fields.set(id, { ...field, dictionary: null });
    }
    for (const child of field.children) this.want(child, place);
  }
}
