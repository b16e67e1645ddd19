import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { flightsJob, partDigests, recordedChunks, waitingIn } from '../../test/harness/queue-run.ts';
import { type S3Server, startS3 } from '../../test/harness/s3-server.ts';
import { adminClient, makeBucket, openUploads, useCredentials } from '../../test/harness/s3-test-store.ts';

/** Where a run reads and writes: a folder, or a bucket. */
export interface QueueTable {
  /** Path of its job file. */
  readonly job: string;
  /** What workers are allowed, and the arguments with which they reach it. */
  readonly allow: string;
  readonly reach: readonly string[];
  /** Chunks with a record. */
  recorded(): Promise<number>;
  /** sha256 of each part, by name. */
  digests(): Promise<Readonly<Record<string, string>>>;
  /** What waits to become visible. */
  waiting(): Promise<readonly string[]>;
  /** Writes a record at its path below the table's place. */
  put(path: string, body: string): Promise<void>;
}

/** A table in a folder. `more` goes into the job. */
export function folderTable(folder: string, input: string, more: object): QueueTable {
  const output = join(folder, 'out');
  return {
    job: flightsJob(folder, input, { ...more }),
    allow: folder,
    reach: [],
    recorded: async () => recordedChunks(output),
    digests: async () => partDigests(output),
    waiting: async () => waitingIn(output),
    put: async (path, body) => {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), body);
    },
  };
}

/** A server for tables in buckets, with a client of its own. */
export interface S3Ground {
  readonly server: S3Server;
  readonly client: S3Client;
}

export async function startS3Ground(): Promise<S3Ground> {
  const server = await startS3();
  useCredentials(server);
  return { server, client: adminClient(server) };
}

/** A table in a new bucket; the job file alone is in the folder. */
export async function bucketTable(ground: S3Ground, folder: string, input: string, more: object): Promise<QueueTable> {
  const { server, client } = ground;
  const bucket = await makeBucket(server, 'prove');
  const put = async (path: string, body: string | Buffer): Promise<void> => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: path, Body: body }));
  };
  const keys = async (prefix: string): Promise<string[]> => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    return Contents.map(({ Key = '' }) => Key);
  };
  await put('in.parquet', readFileSync(input));
  const { endpoint, region } = server;
  return {
    job: flightsJob(folder, `s3://${bucket}/in.parquet`, {
      stores: { main: { endpoint, region, pathStyle: true } },
      output: { uri: `s3://${bucket}/out`, lineage: true },
      ...more,
    }),
    allow: `s3://${bucket}`,
    reach: ['--endpoint', endpoint, '--region', region],
    recorded: async () =>
      (await keys('out/_prescore/runs/')).filter((key) => /chunks\/\d+\.\d+\.json$/.test(key)).length,
    digests: async () => {
      const digests: Record<string, string> = {};
      for (const key of await keys('out/part-')) {
        const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        const bytes = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
        digests[key.replace('out/', '')] = createHash('sha256').update(bytes).digest('hex');
      }
      return digests;
    },
    waiting: () => openUploads(server, bucket),
    put,
  };
}
