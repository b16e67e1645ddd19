import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/**
 * What a store gives at most for chunks: for each one an upload begun, one part, one record put if absent, the upload completed,
 * by the same SDK at the same concurrency and without anything else. Chunks a second.
 */
export async function bareChunks(
  at: { readonly endpoint: string; readonly region: string; readonly bucket: string },
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
  chunks: number,
  concurrency: number,
): Promise<number> {
  const client = new S3Client({ endpoint: at.endpoint, region: at.region, forcePathStyle: true, credentials });
  const Bucket = at.bucket;
  const part = Buffer.alloc(400, 7);
  const record = Buffer.alloc(1_500, 32);
  const one = async (n: number): Promise<void> => {
    const Key = `bare-${process.pid}-${Date.now()}/part-${n}`;
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: part }));
    await client.send(new PutObjectCommand({ Bucket, Key: `${Key}.json`, Body: record, IfNoneMatch: '*' }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, IfNoneMatch: '*' }));
  };
  const started = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < chunks) await one(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  client.destroy();
  return chunks / ((performance.now() - started) / 1000);
}
