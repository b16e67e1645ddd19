import { setTimeout as sleep } from 'node:timers/promises';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { refused, unavailable } from './refusals.ts';
import type { TrackingPlace } from './tracking-place.ts';

/** Between two pieces of an answer, and until its first. */
const IDLE_MS = 60_000;
const WAITS_MS = [500, 2000];
const MOST_REDIRECTS = 3;

export interface TrackingRequest {
  /** Below the server's address, with its query, escaped. */
  readonly path: string;
  /** Sent as JSON by POST; a GET without it. All requests only read. */
  readonly body?: unknown;
  /** Until the whole answer is there; null: as long as bytes come. */
  readonly deadlineMs: number | null;
}

/** What is done with the answer; called again from the start when the connection breaks. */
export type TakeAnswer<T> = (answer: Response) => Promise<T>;

/**
 * Asks a tracking server, three times at most where it does not answer or says that it cannot now. Redirects are followed, but credentials go to the
 * server's own origin only, and never from https to http.
 *
 * Errors: IMPORT_UNAVAILABLE, IMPORT_REFUSED for what the server refuses; those of `take`.
 */
export async function askTracking<T>(
  place: TrackingPlace,
  request: TrackingRequest,
  take: TakeAnswer<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await askOnce(place, request, take, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const failure = asFailure(error, place);
      const wait = WAITS_MS[tries];
      if (!failure.retryable || wait === undefined) throw failure;
      await sleep(wait, undefined, signal === undefined ? {} : { signal });
    }
  }
}

async function askOnce<T>(
  place: TrackingPlace,
  { path, body, deadlineMs }: TrackingRequest,
  take: TakeAnswer<T>,
  signal?: AbortSignal,
): Promise<T> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new DOMException('no answer in time', 'TimeoutError')), IDLE_MS);
  const signals = [idle.signal, ...(signal === undefined ? [] : [signal])];
  if (deadlineMs !== null) signals.push(AbortSignal.timeout(deadlineMs));
  try {
    const answer = await follow(place, new URL(place.base + path), body, AbortSignal.any(signals));
    if (!answer.ok) throw await failureOf(answer, place);
    return await take(withIdle(answer, timer));
  } finally {
    clearTimeout(timer);
  }
}

async function follow(place: TrackingPlace, start: URL, body: unknown, signal: AbortSignal): Promise<Response> {
  const { origin } = new URL(place.base);
  let url = start;
  for (let hops = 0; ; hops++) {
    const headers: Record<string, string> = { 'user-agent': 'prescore', accept: '*/*' };
    if (place.authorization !== null && url.origin === origin) headers['authorization'] = place.authorization;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(url, { ...sent, headers, redirect: 'manual', signal });
    if (answer.status < 300 || answer.status > 399 || answer.status === 304) return answer;
    await answer.body?.cancel();
    const next = URL.parse(answer.headers.get('location') ?? '', url.href);
    const isWorse = next === null || !['http:', 'https:'].includes(next.protocol);
    const isBare = next !== null && url.protocol === 'https:' && next.protocol === 'http:';
    const isLogin = body !== undefined || hops === MOST_REDIRECTS;
    if (next === null || isWorse || isBare || isLogin) {
      const got = next === null ? 'no place' : next.origin;
      const fix =
        'Name the address that the server has itself; one that asks people to log in has another for programs.';
      throw refused('the tracking server sends requests elsewhere', place.base, fix, got);
    }
    url = next;
  }
}

// Each piece that comes puts the alarm off.
function withIdle(answer: Response, timer: NodeJS.Timeout): Response {
  if (answer.body === null) return answer;
  const watch = new TransformStream<Uint8Array, Uint8Array>({
    transform: (piece, controller) => {
      timer.refresh();
      controller.enqueue(piece);
    },
  });
  return new Response(answer.body.pipeThrough(watch), { headers: answer.headers });
}

const MOST_SAID = 64 * 1024;

async function failureOf(answer: Response, place: TrackingPlace): Promise<PrescoreError> {
  const said = await sayOf(answer);
  const { status } = answer;
  const where = place.base;
  if (status === 401 || status === 403) {
    const fix =
      'Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to those of somebody who may read it.';
    return new PrescoreError('IMPORT_UNAVAILABLE', {
      what: `it answers ${status}: ${said}`,
      where,
      fix,
      retryable: false,
    });
  }
  const isLater = status === 408 || status === 425 || status === 429 || status >= 500;
  if (isLater) return unavailable(`it answers ${status}: ${said}`, where);
  const fix = 'Look at the name, alias, stage or version; prescore asks the REST interface 2.0 of MLflow.';
  return refused(`the tracking server refuses (${status}): ${said}`, where, fix);
}

async function sayOf(answer: Response): Promise<string> {
  try {
    const text = new TextDecoder().decode(await takeBytes(MOST_SAID, 'an answer', '')(answer));
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message.slice(0, 300);
  } catch {
    // A page of a proxy says nothing that helps.
  }
  return 'no reason given';
}

/** The whole answer. Errors: IMPORT_REFUSED above `maxBytes`. */
export function takeBytes(maxBytes: number, what: string, where: string): TakeAnswer<Uint8Array> {
  return async (answer) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of answer.body ?? []) {
      size += part.length;
      if (size > maxBytes) throw refused(`${what} is larger than ${maxBytes} bytes`, where);
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
}

function asFailure(error: unknown, place: TrackingPlace): PrescoreError {
  if (error instanceof PrescoreError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  const { code } = (cause ?? error) as { code?: unknown };
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  const what = typeof code === 'string' ? `no connection (${code})` : isLate ? 'no answer in time' : 'no connection';
  return unavailable(what, place.base, error);
}
