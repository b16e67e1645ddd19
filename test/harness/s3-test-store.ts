import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore, StoreResolver } from '../../src/base/contract/object-store.ts';
import { createStoreResolver, type ResolverOptions } from '../../src/cli/wiring/open-store.ts';
import type { S3Address } from './s3-server.ts';

/** A plain SDK client with the server's keys, for what the product has no call for. */
export function adminClient(address: S3Address): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = address;
  return new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
}

/** Makes a bucket with a name of its own. */
export async function makeBucket(address: S3Address, label: string): Promise<string> {
  const bucket = `${label}-${crypto.randomUUID().slice(0, 8)}`;
  const client = adminClient(address);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

/** The keys of all open multipart uploads of a bucket. */
export async function openUploads(address: S3Address, bucket: string): Promise<string[]> {
  const client = adminClient(address);
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  client.destroy();
  return (Uploads ?? []).map((upload) => upload.Key ?? '');
}

/** Puts the server's keys where the SDK's default chain finds them first. */
export function useCredentials(address: S3Address): void {
  process.env['AWS_ACCESS_KEY_ID'] = address.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = address.secretAccessKey;
  process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
}

/** A resolver whose `main` block is the server, or something in front of it. */
export function openStores(address: S3Address, options: Partial<ResolverOptions> = {}): StoreResolver {
  useCredentials(address);
  const main = { endpoint: address.endpoint, region: address.region, pathStyle: true, buckets: [] };
  return createStoreResolver({ main }, { env: {}, ...options });
}

/** The store of one bucket, with the resolver that must be closed. */
export function openBucket(
  address: S3Address,
  bucket: string,
  options: Partial<ResolverOptions> = {},
): { store: ObjectStore; stores: StoreResolver } {
  const stores = openStores(address, options);
  return { store: stores.at(`s3://${bucket}/`).store, stores };
}
