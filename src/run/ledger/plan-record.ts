import type { DeletedRows, Plan, PlannedChunk, PlannedFile } from '../../base/contract/plan.ts';
import type { ColumnInfo, FileFormat, TextLayout } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/**
 * A plan as it is stored: what many files share stands once, and a file is a row. With 30 columns a file took 2.7 kB, and a table may
 * have 100,000 of them. Format 1 is the plan itself.
 */
export interface PlanRecord extends Omit<Plan, 'format' | 'files' | 'chunks'> {
  readonly format: 2;
  /** Folders of files, with their slashes. */
  readonly folders: readonly string[];
  readonly schemas: readonly (readonly ColumnInfo[])[];
  readonly texts: readonly TextLayout[];
  readonly files: readonly FileRow[];
  readonly chunks: readonly ChunkRow[];
}

/** What stands at the end is left out where it is not there: the layout of a text file (-1: none), values of the path, deleted rows. */
type FileRow = readonly [
  folder: number,
  name: string,
  size: number,
  etag: string,
  format: FileFormat,
  rows: number | null,
  schema: number,
  text?: number,
  pathValues?: PlannedFile['pathValues'],
  deleted?: DeletedRows,
];

/** Rows, bytes, then three numbers a slice: file, first row, end (-1: not known). */
type ChunkRow = readonly [rows: number | null, bytes: number, slices: readonly number[]];

/** Errors: none. */
export function packPlan({ files, chunks, ...plan }: Plan): PlanRecord {
  const folders = new Places<string>((text) => text);
  const schemas = new Places<readonly ColumnInfo[]>();
  const texts = new Places<TextLayout>();
  const rows = files.map((file): FileRow => {
    const { uri, size, etag, format, columns, text, pathValues, deleted } = file;
    const cut = uri.lastIndexOf('/') + 1;
    const row = [
      folders.of(uri.slice(0, cut)),
      uri.slice(cut),
      size,
      etag,
      format,
      file.rows,
      schemas.of(columns),
    ] as const;
    const layout = text === undefined ? -1 : texts.of(text);
    if (deleted !== undefined) return [...row, layout, pathValues, deleted];
    if (Object.keys(pathValues).length > 0) return [...row, layout, pathValues];
    return layout === -1 ? row : [...row, layout];
  });
  return {
    ...plan,
    format: 2,
    folders: folders.all,
    schemas: schemas.all,
    texts: texts.all,
    files: rows,
    chunks: chunks.map((c) => [c.rows, c.bytes, c.slices.flatMap((s) => [s.file, s.rowStart, s.rowEnd ?? -1])]),
  };
}

/** Files of the same columns share one array. Errors: RECORD_CORRUPT when a row names what is not there. */
export function unpackPlan(record: Plan | PlanRecord, where: string): Plan {
  if (record.format === 1) return record;
  const { folders, schemas, texts, files, chunks, ...plan } = record;
  const found = <T>(all: readonly T[], place: number): T => {
    const one = all[place];
    if (one === undefined)
      throw new PrescoreError('RECORD_CORRUPT', { what: 'a plan names what it does not hold', where });
    return one;
  };
  return {
    ...plan,
    format: 1,
    files: files.map(([folder, name, size, etag, format, rows, schema, text = -1, pathValues = {}, deleted]) => ({
      uri: found(folders, folder) + name,
      size,
      etag,
      format,
      rows,
      columns: found(schemas, schema),
      ...(text === -1 ? {} : { text: found(texts, text) }),
      pathValues,
      ...(deleted === undefined ? {} : { deleted }),
    })),
    chunks: chunks.map(([rows, bytes, numbers], n): PlannedChunk => ({ n, slices: slicesOf(numbers), rows, bytes })),
  };
}

function slicesOf(numbers: readonly number[]): PlannedChunk['slices'] {
  return Array.from({ length: Math.floor(numbers.length / 3) }, (_, i) => {
    const [file, rowStart, end] = [numbers[3 * i]!, numbers[3 * i + 1]!, numbers[3 * i + 2]!];
    return { file, rowStart, rowEnd: end === -1 ? null : end };
  });
}

/** Values in the order of their first use; equal ones have one place. */
class Places<T> {
  readonly all: T[] = [];
  private readonly byIdentity = new Map<T, number>();
  private readonly byText = new Map<string, number>();
  private readonly textOf: (value: T) => string;

  constructor(textOf: (value: T) => string = (value) => JSON.stringify(value)) {
    this.textOf = textOf;
  }

  of(value: T): number {
    const known = this.byIdentity.get(value);
    if (known !== undefined) return known;
    const text = this.textOf(value);
    const place = this.byText.get(text) ?? this.all.push(value) - 1;
    this.byText.set(text, place);
    this.byIdentity.set(value, place);
    return place;
  }
}
