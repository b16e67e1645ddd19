import type { TestProject } from 'vitest/node';
import { buildCli } from './built-cli.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { type S3Address, type S3Server, startS3 } from './s3-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A real S3 server, shared by the run: give each test file a bucket of its own. */
    s3: S3Address;
    /** A real Redis, shared by the run: give each test file a key prefix of its own. */
    redisUrl: string;
  }
}

/** Starts the servers side by side, before the first test that may need them; tests fail, never skip, without them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const built = await buildCli();
  process.env['PRESCORE_TEST_CLI'] = built.entry;
  const started = await Promise.allSettled([startS3(), startRedis()]);
  const [s3, redis] = started;
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => (server.status === 'fulfilled' ? stopServer(server.value) : undefined)));
    await built.remove();
  };
  if (s3.status === 'rejected' || redis.status === 'rejected') {
    await stop();
    throw s3.status === 'rejected' ? s3.reason : redis.status === 'rejected' ? redis.reason : new Error('unreachable');
  }
  const { endpoint, accessKeyId, secretAccessKey, region } = s3.value;
  project.provide('s3', { endpoint, accessKeyId, secretAccessKey, region });
  project.provide('redisUrl', redis.value.url);
  return stop;
}

function stopServer(server: S3Server | RedisServer): Promise<void> {
  return server.stop();
}
