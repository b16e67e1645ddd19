import { createReadStream, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { startS3 } from '../test/harness/s3-server.ts';

const BUCKET = 'bench';

/** A test S3 server with the inputs of a case on it. */
export interface S3Bench {
  readonly inputUris: readonly string[];
  /** `stores` of a job file. */
  readonly stores: object;
  readonly env: Readonly<Record<string, string>>;
  outputUri(folder: string): string;
  /** Copies the Parquet files of an output to a local folder. */
  download(folder: string, to: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the server that tests use and uploads the inputs once. It runs on the same machine and takes its share of it. */
export async function startS3Bench(inputs: readonly string[]): Promise<S3Bench> {
  const server = await startS3();
  const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  const client = new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials });
  const keyOf = (folder: string): string => `out/${basename(folder)}`;
  try {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    for (const path of inputs) {
      const body = { Body: createReadStream(path), ContentLength: statSync(path).size };
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `in/${basename(path)}`, ...body }));
    }
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    inputUris: inputs.map((path) => `s3://${BUCKET}/in/${basename(path)}`),
    stores: { main: { endpoint: server.endpoint, region: server.region, pathStyle: true } },
    env: { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey },
    outputUri: (folder) => `s3://${BUCKET}/${keyOf(folder)}`,
    async download(folder, to) {
      await mkdir(to, { recursive: true });
      const listed = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${keyOf(folder)}/` }));
      for (const { Key = '' } of listed.Contents ?? []) {
        if (!Key.endsWith('.parquet')) continue;
        const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
        await writeFile(join(to, basename(Key)), await Body!.transformToByteArray());
      }
    },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}
