import { readPathValue } from '../../job/values/path-value.ts';

const ZONED = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/;
const CLOCK = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?$/;

/** A value of a log as a text that DuckDB casts exactly to `type`; `unzoned`: an instant of a zone that only its writer knows. */
export type PartitionValue =
  | { readonly kind: 'value'; readonly text: string | null }
  | { readonly kind: 'unzoned' }
  | { readonly kind: 'invalid' };

const NULL: PartitionValue = { kind: 'value', text: null };

/** Reads the text of a partition value; an empty one is null whatever the type, as the protocol says. Errors: none. */
export function partitionValue(text: string | null, type: string): PartitionValue {
  if (text === null || text === '') return NULL;
  const found = (isOne: boolean): PartitionValue => (isOne ? { kind: 'value', text } : { kind: 'invalid' });
  if (type === 'VARCHAR') return found(!text.includes('\0'));
  if (type === 'TIMESTAMP') return found(CLOCK.test(text));
  if (type === 'TIMESTAMP WITH TIME ZONE') {
    return CLOCK.test(text) ? { kind: 'unzoned' } : found(ZONED.test(text));
  }
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (decimal !== null) return found(fits(text, Number(decimal[1]), Number(decimal[2])));
  if ((type === 'FLOAT' || type === 'DOUBLE') && /^[-+]?(nan|inf|infinity)$/i.test(text)) return found(true);
  const value = readPathValue(text, type);
  // The log has a null of its own: a word for it is no value.
  return typeof value === 'string' ? { kind: 'value', text: value } : { kind: 'invalid' };
}

function fits(text: string, width: number, scale: number): boolean {
  const [, whole = '', fraction = ''] = /^-?0*(\d*)(?:\.(\d*?)0*)?$/.exec(text) ?? [undefined, 'x'.repeat(width + 1)];
  return /\d/.test(text) && whole.length <= width - scale && fraction.length <= scale;
}
