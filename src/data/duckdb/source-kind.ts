/**
 * What a stored column looks like to the packer. Carriers: f32, f64, i32, i64 and u64 (two 32-bit words), str (DuckDB's
 * string_t). `null` from `sourceKind` means that the type cannot be a feature.
 */
export type Carrier = 'f32' | 'f64' | 'i32' | 'i64' | 'u64' | 'str';

export interface SourceKind {
  readonly carrier: Carrier;
  readonly list: boolean;
  /** SQL over the quoted column name that yields the carrier. */
  readonly sql: (column: string) => string;
  /** What the number means, for docs and messages: null for plain numbers. */
  readonly unit: string | null;
}

/**
 * Bytes of a text feature at most, and what stands in its place beyond that: a text with a NUL, which is never fed. A batch
 * has a copy of every row's text, and so has the runtime: 2,000 rows of 1 MB took 2 GB.
 */
export const TEXT_LIMIT = { bytes: 65_536, mark: '\0too long' } as const;

const text = (cast: string | null): SourceKind => ({
  carrier: 'str',
  list: false,
  sql: (c) => {
    const value = cast === null ? c : `${c}::${cast}`;
    return `if(strlen(${value}) > ${TEXT_LIMIT.bytes}, chr(0) || 'too long', ${value})`;
  },
  unit: null,
});

const plain = (carrier: Carrier, cast: string | null = null, unit: string | null = null): SourceKind => ({
  carrier,
  list: false,
  sql: (c) => (cast === null ? c : `${c}::${cast}`),
  unit,
});

const SCALARS: Readonly<Record<string, SourceKind>> = {
  FLOAT: plain('f32'),
  DOUBLE: plain('f64'),
  BOOLEAN: plain('i32', 'INTEGER'),
  TINYINT: plain('i32', 'INTEGER'),
  SMALLINT: plain('i32', 'INTEGER'),
  INTEGER: plain('i32'),
  UTINYINT: plain('i32', 'INTEGER'),
  USMALLINT: plain('i32', 'INTEGER'),
  UINTEGER: plain('f64', 'DOUBLE'),
  BIGINT: plain('i64'),
  UBIGINT: plain('u64'),
  HUGEINT: plain('f64', 'DOUBLE'),
  UHUGEINT: plain('f64', 'DOUBLE'),
  DATE: plain('i32', null, 'days since 1970-01-01'),
  TIME: plain('i64', null, 'microseconds since midnight'),
  TIMESTAMP: plain('i64', null, 'microseconds since 1970-01-01'),
  'TIMESTAMP WITH TIME ZONE': plain('i64', null, 'microseconds since 1970-01-01 UTC'),
  TIMESTAMP_S: { ...plain('i64', null, 'microseconds since 1970-01-01'), sql: (c) => `epoch_us(${c})` },
  TIMESTAMP_MS: { ...plain('i64', null, 'microseconds since 1970-01-01'), sql: (c) => `epoch_us(${c})` },
  // epoch_us gives null for the first and the last value, which DuckDB calls infinite.
  TIMESTAMP_NS: { ...plain('i64', null, 'microseconds since 1970-01-01'), sql: (c) => `epoch_ns(${c}) // 1000` },
  VARCHAR: text(null),
  JSON: text('VARCHAR'),
  UUID: plain('str', 'VARCHAR'),
};

const LIST_CASTS: Readonly<Record<Carrier, string | null>> = {
  f32: 'FLOAT[]',
  f64: 'DOUBLE[]',
  i32: 'INTEGER[]',
  i64: null,
  u64: null,
  str: null,
};

/** The carrier of a DuckDB type, or null when it cannot be a feature (struct, map, blob, nested lists …). */
export function sourceKind(type: string): SourceKind | null {
  const element = /^(.+?)\[\d*\]$/.exec(type)?.[1];
  if (element === undefined) {
    if (type.startsWith('DECIMAL(')) return plain('f64', 'DOUBLE');
    return type.startsWith('ENUM(') ? plain('str', 'VARCHAR') : (SCALARS[type] ?? null);
  }
  const kind = element.startsWith('DECIMAL(') ? plain('f64', 'DOUBLE') : SCALARS[element];
  if (kind === undefined || kind.unit !== null || kind.carrier === 'str') return null;
  const cast = LIST_CASTS[kind.carrier];
  return { ...kind, list: true, sql: (c) => (cast === null ? `${c}::${element}[]` : `${c}::${cast}`) };
}

/** Types of DuckDB whose values lie in memory as a carrier says. */
const IN_MEMORY: Readonly<Record<Carrier, readonly string[]>> = {
  f32: ['FLOAT'],
  f64: ['DOUBLE'],
  i32: ['INTEGER', 'DATE'],
  i64: ['BIGINT', 'TIME', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'],
  u64: ['UBIGINT'],
  str: ['VARCHAR'],
};
const SCALAR_TYPES = typesInMemory('');
const LIST_TYPES = typesInMemory('[]');

/** The types that the SQL of a kind may yield: what it is read as. */
export function typesOf({ carrier, list }: SourceKind): ReadonlySet<string> {
  return (list ? LIST_TYPES : SCALAR_TYPES)[carrier];
}

function typesInMemory(suffix: string): Readonly<Record<Carrier, ReadonlySet<string>>> {
  const all = Object.entries(IN_MEMORY).map(([carrier, types]) => [carrier, new Set(types.map((t) => t + suffix))]);
  return Object.fromEntries(all) as Record<Carrier, ReadonlySet<string>>;
}
