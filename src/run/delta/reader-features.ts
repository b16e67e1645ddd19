import { type Fields, isFields, notSupported } from './log-fault.ts';

/** Reader features that are done, or that say nothing of what is read here. */
const DONE: ReadonlySet<string> = new Set([
  'columnMapping',
  'timestampNtz',
  'v2Checkpoint',
  'vacuumProtocolCheck',
  'typeWidening',
  'typeWidening-preview',
  'deletionVectors',
  // Of a column of this type a job is told that it cannot be read.
  'variantType',
  'variantType-preview',
  'variantShredding-preview',
]);
const READER_WITH_MAPPING = 2;
const READER_WITH_FEATURES = 3;

const REWRITE = 'Write its rows as plain Parquet with what reads such tables (Spark), or as a table without it.';

/**
 * Whether the data files of the table know columns by physical names.
 *
 * Errors: INPUT_UNSUPPORTED for what the table needs of a reader and prescore does not do, with what to do.
 */
export function checkProtocol(protocol: Fields, metadata: Fields, where: string): boolean {
  const { minReaderVersion: reader, readerFeatures } = protocol;
  const version = typeof reader === 'number' ? reader : Number.NaN;
  if (!(version >= 1 && version <= READER_WITH_FEATURES)) {
    throw notSupported(`the table needs version ${String(reader)} of the reader's protocol`, where, REWRITE);
  }
  const isFeatured = version === READER_WITH_FEATURES;
  const features: readonly unknown[] = isFeatured && Array.isArray(readerFeatures) ? readerFeatures : [];
  const unknown = features.find((name) => !DONE.has(String(name)));
  if (unknown !== undefined)
    throw notSupported(`the table needs the reader feature ${String(unknown)}`, where, REWRITE);
  const { format, configuration } = metadata;
  const provider = isFields(format) ? format['provider'] : 'parquet';
  if (provider !== 'parquet') throw notSupported(`the files of the table are ${String(provider)}`, where, REWRITE);
  const settings = isFields(configuration) ? configuration : {};
  if (typeof settings['delta.coordinatedCommits.commitCoordinator-preview'] === 'string') {
    throw notSupported('commits of the table lie with a coordinator, so its log may lack the newest', where, REWRITE);
  }
  const canMap = version === READER_WITH_MAPPING || features.includes('columnMapping');
  const mode = canMap ? (settings['delta.columnMapping.mode'] ?? 'none') : 'none';
  if (mode === 'none' || mode === 'name') return mode === 'name';
  throw notSupported(
    `the table finds columns by ids (delta.columnMapping.mode: ${String(mode)})`,
    where,
    'Write its rows as plain Parquet, or as a table that maps columns by name.',
  );
}
