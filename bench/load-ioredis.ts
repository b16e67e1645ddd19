/* The loader that people write in Node: DuckDB reads the predictions, an ioredis pipeline sets a key for each, with a TTL. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { Redis } from 'ioredis';

const [folder = '', port = '', batch = ''] = process.argv.slice(2);
const redis = new Redis({ port: Number(port) });
const duck = await (await DuckDBInstance.create(':memory:')).connect();
let rows = 0;
for (const name of readdirSync(folder).filter((n) => n.endsWith('.parquet'))) {
  const path = join(folder, name);
  const result = await duck.stream(`select flight_id, prediction, probability from read_parquet('${path}')`);
  let pipeline = redis.pipeline();
  const flush = async (): Promise<void> => {
    await pipeline.exec();
    pipeline = redis.pipeline();
  };
  for await (const chunk of result.yieldRowsJs()) {
    for (const [key, prediction, probability] of chunk) {
      const value = JSON.stringify({ prediction: Number(prediction), probability });
      pipeline.set(`flight-delay:${String(key)}`, value, 'EX', 86400);
      rows++;
      if (pipeline.length >= Number(batch)) await flush();
    }
  }
  await flush();
}
process.stdout.write(`${JSON.stringify({ rows })}\n`);
await redis.quit();
process.exit(0);
