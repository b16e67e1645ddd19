/**
 * The real servers that tests use, by hand: `node scripts/servers.ts` starts an S3 server and a Redis, prints their addresses as
 * shell exports (for the tests, and for the commands of prescore) and keeps them until it is interrupted.
 */
import { startRedis } from '../test/harness/redis-server.ts';
import { startS3 } from '../test/harness/s3-server.ts';

const [s3, redis] = await Promise.all([startS3(), startRedis()]);
const lines: readonly (readonly [string, string])[] = [
  ['TEST_S3_ENDPOINT', s3.endpoint],
  ['TEST_S3_ACCESS_KEY_ID', s3.accessKeyId],
  ['TEST_S3_SECRET_ACCESS_KEY', s3.secretAccessKey],
  ['TEST_S3_REGION', s3.region],
  ['AWS_ACCESS_KEY_ID', s3.accessKeyId],
  ['AWS_SECRET_ACCESS_KEY', s3.secretAccessKey],
  ['AWS_REGION', s3.region],
  ['PRESCORE_S3_ENDPOINT', s3.endpoint],
  ['PRESCORE_S3_REGION', s3.region],
  ['PRESCORE_REDIS_URL', redis.url],
  ['TEST_REDIS_URL', redis.url],
];
for (const [name, value] of lines) console.log(`export ${name}='${value}'`);
console.error('Both are up; interrupt to end them and remove their data.');
const keepAlive = setInterval(() => {}, 60_000);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    clearInterval(keepAlive);
    void Promise.all([s3.stop(), redis.stop()]).then(() => process.exit(0));
  });
}
