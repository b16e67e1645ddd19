import type { Readable } from 'node:stream';
import type { ByteRange, StoredBytes } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { tooLarge, tooShort } from '../object-store/bounds.ts';
import { AttemptTimeout } from '../object-store/retry.ts';
import type { S3Body, S3Calls } from './s3-calls.ts';
import { BadAnswer, failureOf, isMissing } from './s3-failure.ts';
import type { S3Session } from './s3-session.ts';

/** Fills `target` with the bytes from `offset` of the version `etag`, each attempt going on where the last one broke off. */
export async function readPinned(
  session: S3Session,
  key: string,
  range: ByteRange,
  etag: string,
  target: Uint8Array,
): Promise<void> {
  const uri = session.uriOf(key);
  let done = 0;
  await session.run({ action: 'read', key }, async (calls, { signal, progress }) => {
    if (done === range.length) return;
    const from = done;
    const first = range.offset + done;
    const last = range.offset + range.length - 1;
    const answer = await explained(calls, key, range, etag, uri, signal, () =>
      calls.get(key, { first, last, etag }, signal),
    );
    try {
      checkRange(answer, first, last, range, uri);
      await drain(answer.body, session.settings.idleMs, signal, (chunk) => {
        if (chunk.length > range.length - done) throw new BadAnswer('WrongBody', 'more bytes came than were asked for');
        target.set(chunk, done);
        done += chunk.length;
        progress(session.passingMs(chunk.length));
      });
    } catch (error) {
      // Bytes beyond the end show that none of this answer can be trusted.
      if (error instanceof BadAnswer && error.name === 'WrongBody') done = from;
      // A wrong length header breaks the connection after the last byte that was wanted.
      else if (done === range.length) return;
      throw error;
    } finally {
      answer.body.destroy();
    }
    if (done < range.length)
      throw new BadAnswer('TruncatedBody', `the body ended after ${done} of ${range.length} bytes`);
  });
}

/** A small object whole; null when there is none. */
export function readWhole(session: S3Session, key: string, maxBytes: number): Promise<StoredBytes | null> {
  return session.run({ action: 'get', key, bytes: maxBytes }, async (calls, { signal }) => {
    let answer: S3Body;
    try {
      answer = await calls.get(key, null, signal);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      if ((answer.length ?? 0) > maxBytes) throw tooLarge('object', session.uriOf(key), maxBytes, answer.length ?? 0);
      await drain(answer.body, session.settings.idleMs, signal, (chunk) => {
        size += chunk.length;
        if (size > maxBytes) throw tooLarge('object', session.uriOf(key), maxBytes, size);
        chunks.push(chunk);
      });
    } finally {
      answer.body.destroy();
    }
    const expected = answer.length ?? (await calls.head(key, signal)).info.size;
    if (size !== expected) throw new BadAnswer('TruncatedBody', `the body ended after ${size} of ${expected} bytes`);
    return { bytes: Buffer.concat(chunks), etag: answer.etag };
  });
}

/** Hands every chunk to `take`; a body that stands still for `idleMs` fails, and a body whose attempt is over ends. */
export async function drain(
  body: Readable,
  idleMs: number,
  signal: AbortSignal,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const timer = setTimeout(() => body.destroy(new AttemptTimeout(idleMs)), idleMs);
  const stop = (): void => void body.destroy(new Error('the attempt is over'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of body) {
      // The caller's buffer belongs to the next attempt by then.
      signal.throwIfAborted();
      if (!(chunk instanceof Uint8Array)) throw new BadAnswer('WrongBody', 'the body is not made of bytes');
      timer.refresh();
      take(chunk);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** Gives the answers 404, 412 and 416 their meaning for a pinned object. */
async function explained<T>(
  calls: S3Calls,
  key: string,
  range: ByteRange,
  etag: string,
  uri: string,
  signal: AbortSignal,
  get: () => Promise<T>,
): Promise<T> {
  try {
    return await get();
  } catch (error) {
    const { status } = failureOf(error);
    if (isMissing(error)) throw new PrescoreError('INPUT_GONE', { what: 'The object is gone', where: uri });
    if (status !== 412 && status !== 416) throw error;
    const now = (await calls.head(key, signal)).info;
    if (status === 412 && plainTag(now.etag) === plainTag(etag)) throw ownTagRefused(uri, etag, now.etag);
    if (status === 412 || now.etag !== etag)
      throw new PrescoreError('INPUT_CHANGED', {
        what: 'The object changed',
        where: uri,
        expected: etag,
        got: now.etag,
      });
    throw tooShort('object', uri, range, now.size);
  }
}

// Proxies that compress make tags weak, and some stores write them without quotes.
function plainTag(etag: string): string {
  return etag.replace(/^W\//, '').replaceAll('"', '');
}

function ownTagRefused(uri: string, etag: string, now: string): PrescoreError {
  return new PrescoreError('STORE_CONFIG', {
    what: 'The store refuses to read an object by the ETag that it gives for it',
    where: uri,
    expected: `bytes for If-Match: ${etag}`,
    got: `412, while its ETag is ${now}`,
    fix: 'Look for a proxy before the store that changes or weakens ETags, or use a store that honours If-Match.',
  });
}

function checkRange(answer: S3Body, first: number, last: number, range: ByteRange, uri: string): void {
  const got = answer.range;
  if (got === null) {
    // A store that ignores ranges sends the object from its start.
    throw new PrescoreError('STORE_CONFIG', {
      what: 'The store does not honour ranged reads',
      where: uri,
      fix: 'Use a store that answers Range requests with 206.',
    });
  }
  if (got.total !== null && got.total < range.offset + range.length) throw tooShort('object', uri, range, got.total);
  if (got.first !== first || got.last > last)
    throw new BadAnswer('WrongBody', `asked for ${first}-${last}, got ${got.first}-${got.last}`);
}
