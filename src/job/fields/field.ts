/**
 * The vocabulary in which a file format is written down as data. One table of shapes gives the validator
 * (`check-shape.ts`), the JSON Schema (`json-schema.ts`), the documentation page and the compiled types (`Value`).
 */
import type { ConstantValue, NullPolicy, RejectLimit } from '../../base/contract/job.ts';
import type { RuleName } from '../values/text-rules.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One key of an object. Without `required` and without `default` it may be left out and is then null. */
export interface Field {
  readonly type: Shape;
  readonly required?: true;
  /** In the form in which a user would write it; it passes the same checks. */
  readonly default?: Json;
  /** Shown in place of `default` where the default is worked out from other keys. */
  readonly defaultSays?: string;
  /** Of plain numbers; durations and sizes carry their unit in the text. */
  readonly unit?: 'rows' | 'threads' | 'processes' | 'position' | 'steps' | 'features';
  readonly doc: string;
  /** One YAML line, without the key. */
  readonly example: string;
}

export type Fields = Readonly<Record<string, Field>>;

export type Shape =
  | { readonly kind: 'text'; readonly rule: RuleName }
  | { readonly kind: 'word'; readonly values: readonly string[] }
  | { readonly kind: 'flag' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'integerOrAuto'; readonly min: number; readonly max: number }
  /** Milliseconds once compiled. */
  | { readonly kind: 'duration'; readonly minMs: number; readonly maxMs: number }
  /** Bytes once compiled. */
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  | { readonly kind: 'sizeOrAuto'; readonly min: number; readonly max: number }
  | { readonly kind: 'rejectLimit' }
  | UriShape
  /** The address of a prediction store; `lmdb:` paths are made absolute. */
  | { readonly kind: 'storeUrl' }
  | { readonly kind: 'label' }
  | { readonly kind: 'constant' }
  | { readonly kind: 'nulls' }
  | ListShape
  | MapShape
  | ObjectShape;

export interface UriShape {
  readonly kind: 'uri';
  /** Whether `{partition}` may stand in it. */
  readonly placeholder: boolean;
  /** Whether it may match many files. */
  readonly glob: boolean;
}

export interface ListShape {
  readonly kind: 'list';
  readonly of: Shape;
  readonly min: number;
  readonly max: number;
  /** A single value may be written without the brackets. */
  readonly oneAllowed?: true;
  readonly unique?: true;
}

/** Keys are the user's own names. */
export interface MapShape {
  readonly kind: 'map';
  readonly keys: RuleName;
  /** What a key names, for docs. */
  readonly keysSay: string;
  readonly of: Shape;
  readonly min: number;
}

/** Keys are ours; any other is refused. */
export interface ObjectShape {
  readonly kind: 'object';
  readonly fields: Fields;
  /** Exactly one of these groups of keys must be used; a group's `needs` belong together. */
  readonly choose?: readonly Choice[];
  /** A bare text, or a bare list, stands for an object with this one key. */
  readonly shorthand?: { readonly text?: string; readonly list?: string };
}

export interface Choice {
  readonly needs: readonly string[];
  readonly may: readonly string[];
}

/** What a shape compiles to. */
export type Value<S extends Shape> = S extends { readonly kind: 'text' | 'uri' | 'storeUrl' }
  ? string
  : S extends { readonly kind: 'word'; readonly values: readonly (infer W)[] }
    ? W
    : S extends { readonly kind: 'flag' }
      ? boolean
      : S extends { readonly kind: 'integer' | 'duration' | 'size' }
        ? number
        : S extends { readonly kind: 'integerOrAuto' | 'sizeOrAuto' }
          ? number | 'auto'
          : S extends { readonly kind: 'rejectLimit' }
            ? RejectLimit
            : S extends { readonly kind: 'label' }
              ? string | number
              : S extends { readonly kind: 'constant' }
                ? ConstantValue
                : S extends { readonly kind: 'nulls' }
                  ? NullPolicy
                  : CompoundValue<S>;

type CompoundValue<S extends Shape> = S extends { readonly kind: 'list'; readonly of: infer E extends Shape }
  ? readonly Value<E>[]
  : S extends { readonly kind: 'map'; readonly of: infer E extends Shape }
    ? Readonly<Record<string, Value<E>>>
    : S extends { readonly kind: 'object'; readonly fields: infer F extends Fields }
      ? { readonly [K in keyof F]: FieldValue<F[K]> }
      : never;

type FieldValue<F extends Field> = F extends { readonly required: true } | { readonly default: Json }
  ? Value<F['type']>
  : Value<F['type']> | null;
