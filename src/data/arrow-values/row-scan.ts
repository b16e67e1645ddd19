import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  type DuckDBConnection,
  DuckDBTableFunction,
  type DuckDBType,
  FLOAT,
  INTEGER,
  LIST,
  SMALLINT,
  TIME,
  TIME_NS,
  TIMESTAMP,
  TIMESTAMP_NS,
  TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { DecodedColumn } from './arrow-column.ts';
import { writeVector } from './arrow-vectors.ts';

/** Columns of the rows that DuckDB takes next; all have `rows` rows. */
export interface ScanBatch {
  readonly rows: number;
  readonly columns: readonly DecodedColumn[];
}

/** Rows that DuckDB may ask for, as a table whose columns are named c0, c1, … */
export interface RowScan {
  /** DuckDB's spelling. */
  readonly types: readonly string[];
  /** The next record batch, or null after the last. Called from DuckDB's callback: it cannot wait. */
  readonly next: () => ScanBatch | null;
}

const FUNCTION = 'prescore_row_scan';
const VECTOR_ROWS = 2048;
const registered = new WeakSet<DuckDBConnection>();
const scans = new Map<string, RunningScan>();
let lastId = 0;

/**
 * Makes a scan available to one query as `from <name>`. The rows come in order, from one thread.
 *
 * Errors: whatever `work` or the scan throws; an error of the scan comes out as it was thrown, not as DuckDB words it.
 */
export async function withRowScan<T>(
  connection: DuckDBConnection,
  scan: RowScan,
  work: (name: string) => Promise<T>,
): Promise<T> {
  if (!registered.has(connection)) {
    connection.registerTableFunction(createFunction());
    registered.add(connection);
  }
  lastId += 1;
  const id = `scan-${lastId}`;
  const running = new RunningScan(scan);
  scans.set(id, running);
  try {
    return await work(`${FUNCTION}('${id}')`);
  } catch (error) {
    throw running.failure ?? error;
  } finally {
    scans.delete(id);
  }
}

/** One scan while a query takes rows from it. */
class RunningScan {
  failure: unknown = undefined;
  private readonly scan: RowScan;
  private batch: ScanBatch | null = null;
  private row = 0;

  constructor(scan: RowScan) {
    this.scan = scan;
  }

  get types(): readonly string[] {
    return this.scan.types;
  }

  /** Fills a chunk with up to 2,048 rows of one record batch; none after the last. */
  fill(chunk: duckdb.DataChunk): void {
    try {
      while (this.batch === null || this.row >= this.batch.rows) {
        // Let go of the old batch before the next one is read.
        this.batch = null;
        this.row = 0;
        this.batch = this.scan.next();
        if (this.batch === null) {
          duckdb.data_chunk_set_size(chunk, 0);
          return;
        }
      }
      const { batch, row } = this;
      const count = Math.min(VECTOR_ROWS, batch.rows - row);
      duckdb.data_chunk_set_size(chunk, count);
      batch.columns.forEach((column, index) => {
        writeVector(duckdb.data_chunk_get_vector(chunk, index), column, row, count);
      });
      this.row += count;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

function createFunction(): DuckDBTableFunction {
  const running = (data: object | undefined): RunningScan => {
    if (data instanceof RunningScan) return data;
    throw new PrescoreError('INTERNAL', { what: 'a row scan is gone' });
  };
  return DuckDBTableFunction.create({
    name: FUNCTION,
    parameterTypes: [VARCHAR],
    bindFunction: (info) => {
      const scan = running(scans.get(String(info.getParameter(0))));
      scan.types.forEach((type, index) => {
        info.addResultColumn(`c${index}`, duckdbType(type));
      });
      info.setBindData(scan);
    },
    initFunction: (info) => info.setMaxThreads(1),
    mainFunction: (info, chunk) => running(info.getBindData()).fill(chunk.chunk),
  });
}

const TYPES: Readonly<Record<string, DuckDBType>> = {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DOUBLE,
  FLOAT,
  INTEGER,
  SMALLINT,
  TIME,
  TIME_NS,
  TIMESTAMP,
  TIMESTAMP_NS,
  TINYINT,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
  'TIMESTAMP WITH TIME ZONE': TIMESTAMPTZ,
};

/** The type that DuckDB spells so, of those that a scan gives. Errors: INTERNAL. */
function duckdbType(spelling: string): DuckDBType {
  if (spelling.endsWith('[]')) return LIST(duckdbType(spelling.slice(0, -2)));
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(spelling);
  if (decimal !== null) return DECIMAL(Number(decimal[1]), Number(decimal[2]));
  const type = TYPES[spelling];
  if (type === undefined) throw new PrescoreError('INTERNAL', { what: `a scan cannot give ${spelling}` });
  return type;
}
