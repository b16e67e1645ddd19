import { DuckDBInstance } from '@duckdb/node-api';

/** Rows of a query over the Parquet files of a pattern, which it finds as the table `t`, as plain JS values. */
export async function queryParquet(pattern: string, sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`create view t as select * from read_parquet('${pattern}', hive_partitioning = false)`);
    return (await connection.runAndReadAll(sql)).getRowsJS() as unknown[][];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
