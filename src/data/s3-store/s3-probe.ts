import { randomBytes } from 'node:crypto';
import type { StoreAbilities } from '../../base/contract/object-store.ts';
import { joinKey } from '../object-store/uri.ts';
import { failureOf } from './s3-failure.ts';
import type { S3Session } from './s3-session.ts';
import { abortUpload } from './s3-upload.ts';

type Answer = 'done' | 'taken' | 'unknown';

/** Finds out by trying whether the store honours conditional writes; removes what it wrote. */
export async function probeS3(session: S3Session, prefix: string): Promise<StoreAbilities> {
  const key = joinKey(prefix, `.probe-${randomBytes(8).toString('hex')}`);
  const body = new Uint8Array(1);
  const put = (ifAbsent: boolean): Promise<Answer> =>
    session.run({ action: 'probe', key }, (calls, { signal }) =>
      answerOf(calls.put(key, body, { ifAbsent }, signal), ifAbsent),
    );
  try {
    // The first put is plain, so that a refusal of the second one can only mean its condition.
    await put(false);
    const conditionalPut = (await put(true)) === 'taken';
    return { conditionalPut, conditionalComplete: await probeComplete(session, key, body) };
  } finally {
    await session.run({ action: 'probe', key }, (calls, { signal }) => calls.delete(key, signal)).catch(() => {});
  }
}

/** Tries to complete an upload over an object that is there. */
async function probeComplete(session: S3Session, key: string, body: Uint8Array): Promise<boolean> {
  const uploadId = await session.run({ action: 'probe', key }, (calls, { signal }) =>
    calls.createUpload(key, {}, signal),
  );
  const upload = { key, uploadId };
  try {
    const etag = await session.run({ action: 'probe', key }, (calls, { signal }) =>
      calls.uploadPart(upload, 1, body, signal),
    );
    const answer = await session.run({ action: 'probe', key }, (calls, { signal }) =>
      answerOf(calls.completeUpload(upload, [etag], true, signal), true),
    );
    return answer === 'taken';
  } finally {
    await abortUpload(session, upload).catch(() => {});
  }
}

async function answerOf(request: Promise<void>, isConditional: boolean): Promise<Answer> {
  try {
    await request;
    return 'done';
  } catch (error) {
    const { status } = failureOf(error);
    if (!isConditional) throw error;
    if (status === 412) return 'taken';
    if (status === 400 || status === 501) return 'unknown';
    throw error;
  }
}
