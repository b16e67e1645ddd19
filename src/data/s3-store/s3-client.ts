/** The only file that loads the AWS SDK. It is imported when the first request goes out, never at start. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { ObjectInfo, StoreConfig } from '../../base/contract/object-store.ts';
import type { StoreTimings } from '../object-store/store-options.ts';
import type { S3Body, S3Calls } from './s3-calls.ts';
import { BadAnswer } from './s3-failure.ts';

const MAX_SOCKETS = 256;

/** One SDK client; it serves all buckets of a store block. */
export interface S3Connection {
  bucket(name: string): S3Calls;
  close(): void;
}

/** Opens no socket yet. Credentials come from the SDK's default chain only. */
export function connectS3(config: StoreConfig, fallbackRegion: string | null, timings: StoreTimings): S3Connection {
  const region = config.region ?? fallbackRegion;
  // More sockets than anyone uses: the SDK counts waiting for a free one as connecting.
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const silent = (): void => {};
  const client = new S3Client({
    ...(config.endpoint === null ? {} : { endpoint: config.endpoint }),
    ...(region === null ? {} : { region }),
    forcePathStyle: config.pathStyle,
    followRegionRedirects: false,
    // Retries are ours: the SDK repeats neither a 409 nor a broken body.
    maxAttempts: 1,
    // Stores without checksum headers answer 501 to the SDK's default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Costs a new connection a part, and a wait on stores that never answer it.
    expectContinueHeader: false,
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
    requestHandler: {
      connectionTimeout: timings.connectMs,
      socketTimeout: timings.idleMs,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
    },
  });
  return { bucket: (name) => callsOf(client, name), close: () => client.destroy() };
}

function callsOf(client: S3Client, Bucket: string): S3Calls {
  return {
    headBucket: async (abortSignal) => {
      await client.send(new HeadBucketCommand({ Bucket }), { abortSignal });
    },
    head: async (Key, abortSignal) => {
      const r = await client.send(new HeadObjectCommand({ Bucket, Key }), { abortSignal });
      const info = infoOf(Key, r.ContentLength, r.ETag, r.LastModified);
      return { info, metadata: r.Metadata ?? {} };
    },
    list: async (Prefix, { key, token }, abortSignal) => {
      const command = new ListObjectsV2Command({
        Bucket,
        Prefix,
        // XML cannot hold every key as it is.
        EncodingType: 'url',
        ...(key === undefined ? {} : { StartAfter: key }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const r = await client.send(command, { abortSignal });
      const isEncoded = r.EncodingType === 'url';
      const items = (r.Contents ?? []).map((o) => infoOf(listedKey(o.Key, isEncoded), o.Size, o.ETag, o.LastModified));
      return { items, next: nextPage(required(r.IsTruncated, 'IsTruncated'), r.NextContinuationToken) };
    },
    get: async (Key, range, abortSignal) => {
      const pinned = range === null ? {} : { Range: `bytes=${range.first}-${range.last}`, IfMatch: range.etag };
      const r = await client.send(new GetObjectCommand({ Bucket, Key, ...pinned }), { abortSignal });
      if (r.ETag === undefined && r.Body instanceof Readable) r.Body.destroy();
      if (!(r.Body instanceof Readable)) throw new BadAnswer('WrongBody', 'the SDK gave no readable body');
      return {
        body: r.Body,
        etag: required(r.ETag, 'ETag'),
        length: r.ContentLength ?? null,
        range: parseContentRange(r.ContentRange),
      };
    },
    put: async (Key, Body, { ifAbsent, metadata }, abortSignal) => {
      const optional = {
        ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
        ...(metadata === undefined ? {} : { Metadata: metadata }),
      };
      const input = { Bucket, Key, Body, ContentLength: Body.length, ...optional };
      const r = await client.send(new PutObjectCommand(input), { abortSignal });
      // A web page with status 200 must not pass for success.
      required(r.ETag, 'ETag');
    },
    delete: async (Key, abortSignal) => {
      await client.send(new DeleteObjectCommand({ Bucket, Key }), { abortSignal });
    },
    createUpload: async (Key, Metadata, abortSignal) => {
      const r = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, Metadata }), { abortSignal });
      return required(r.UploadId, 'UploadId');
    },
    uploadPart: async ({ key, uploadId }, PartNumber, Body, abortSignal) => {
      const input = { Bucket, Key: key, UploadId: uploadId, PartNumber, Body, ContentLength: Body.length };
      const r = await client.send(new UploadPartCommand(input), { abortSignal });
      return required(r.ETag, 'ETag');
    },
    completeUpload: async ({ key, uploadId }, etags, ifAbsent, abortSignal) => {
      const Parts = etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
      const optional = ifAbsent ? { IfNoneMatch: '*' } : {};
      const input = { Bucket, Key: key, UploadId: uploadId, MultipartUpload: { Parts }, ...optional };
      const r = await client.send(new CompleteMultipartUploadCommand(input), { abortSignal });
      required(r.ETag, 'ETag');
    },
    abortUpload: async ({ key, uploadId }, abortSignal) => {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId }), { abortSignal });
    },
    listUploads: async (Prefix, after, abortSignal) => {
      const marks = after === null ? {} : { KeyMarker: after.key, UploadIdMarker: after.uploadId };
      const command = new ListMultipartUploadsCommand({ Bucket, Prefix, EncodingType: 'url', ...marks });
      const r = await client.send(command, { abortSignal });
      const isEncoded = r.EncodingType === 'url';
      const items = (r.Uploads ?? []).map((u) => ({
        key: listedKey(u.Key, isEncoded),
        uploadId: required(u.UploadId, 'UploadId'),
      }));
      const next = nextPage(r.IsTruncated, r.NextKeyMarker);
      return {
        items,
        next: next === null ? null : { key: listedKey(next, isEncoded), uploadId: r.NextUploadIdMarker ?? '' },
      };
    },
  };
}

function infoOf(
  key: string,
  size: number | undefined,
  etag: string | undefined,
  modified: Date | undefined,
): ObjectInfo {
  return { key, size: required(size, 'size'), etag: required(etag, 'ETag'), modifiedMs: modified?.getTime() ?? 0 };
}

/** Keys come form-encoded: a plus is a space, and a real plus is escaped. */
function listedKey(key: string | undefined, isEncoded: boolean): string {
  const text = required(key, 'Key');
  return isEncoded ? decodeURIComponent(text.replaceAll('+', ' ')) : text;
}

function nextPage(isTruncated: boolean | undefined, token: string | undefined): string | null {
  return isTruncated === true ? required(token, 'continuation token') : null;
}

function parseContentRange(text: string | undefined): S3Body['range'] {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(text ?? '');
  if (match === null) return null;
  return { first: Number(match[1]), last: Number(match[2]), total: match[3] === '*' ? null : Number(match[3]) };
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new BadAnswer('IncompleteAnswer', `the store's answer has no ${name}`);
  return value;
}
