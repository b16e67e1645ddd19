import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { ArrowBody } from './arrow-body.ts';
import type { DictionaryValues } from './arrow-dictionary-values.ts';

/** What a column is decoded from, and where it is, for errors. */
export interface DecodeContext {
  readonly body: ArrowBody;
  /** The values of a dictionary as read so far; null when it has not been read. */
  readonly dictionary: (id: bigint) => DictionaryValues | null;
  readonly place: ArrowPlace;
}
