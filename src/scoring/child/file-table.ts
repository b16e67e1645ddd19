import type { PlannedChunk, PlannedFile } from '../../base/contract/plan.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';

/** Planned files as they go to a child: most have the same columns, which are sent once. */
export interface PackedFiles {
  readonly schemas: readonly (readonly ColumnInfo[])[];
  readonly files: readonly (readonly [index: number, schema: number, file: Omit<PlannedFile, 'columns'>])[];
}

/** The files of a plan at these places. */
export function packFiles(files: readonly PlannedFile[], indices: Iterable<number>): PackedFiles {
  const schemas: (readonly ColumnInfo[])[] = [];
  const known = new Map<readonly ColumnInfo[], number>();
  const packed = [...new Set(indices)].map((index) => {
    const { columns, ...file } = files[index]!;
    let schema = known.get(columns);
    if (schema === undefined) {
      schema = schemas.push(columns) - 1;
      known.set(columns, schema);
    }
    return [index, schema, file] as const;
  });
  return { schemas, files: packed };
}

/** Places of the files that chunks are cut from. */
export function filesOf(chunks: readonly PlannedChunk[]): number[] {
  return chunks.flatMap((chunk) => chunk.slices.map((slice) => slice.file));
}

/** Files of unknown length that are looked at for a sample. */
const MOST_UNKNOWN = 64;

/** The first files, as many as it may take to find so many rows. */
export function packFirst(files: readonly PlannedFile[], rows: number): PackedFiles {
  const places: number[] = [];
  let [found, unknown] = [0, 0];
  for (const [index, file] of files.entries()) {
    if (found >= rows || unknown >= MOST_UNKNOWN) break;
    if (file.rows === null) unknown++;
    found += (file.rows ?? 0) - (file.deleted?.rows ?? 0);
    if (file.rows !== 0) places.push(index);
  }
  return packFiles(files, places);
}

/** Places of files in the plan, as they were packed. */
export function placesOf({ files }: PackedFiles): number[] {
  return files.map(([index]) => index);
}

/** The files of a run that a child knows at a time: those of the chunks that it is walking. */
export class FileTable {
  private readonly entries = new Map<number, { readonly file: PlannedFile; users: number }>();

  /** A file by its place in the plan. Errors: TypeError for one of no chunk that is walked. */
  at(index: number): PlannedFile {
    const entry = this.entries.get(index);
    if (entry === undefined) throw new TypeError(`file ${index} was not sent`);
    return entry.file;
  }

  /** Takes files in; gives what lets them go. */
  take({ schemas, files }: PackedFiles): () => void {
    for (const [index, schema, file] of files) {
      const entry = this.entries.get(index);
      if (entry !== undefined) entry.users++;
      else this.entries.set(index, { file: { ...file, columns: schemas[schema]! }, users: 1 });
    }
    return () => {
      for (const [index] of files) {
        const entry = this.entries.get(index)!;
        if (--entry.users === 0) this.entries.delete(index);
      }
    };
  }
}
