import { randomBytes } from 'node:crypto';
import type { Caller } from './access.ts';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-|$)/;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const PREFIX = randomBytes(5).toString('hex');
let count = 0;

/** What logs and metrics say of a request that is over. */
export interface DoneRequest {
  readonly id: string;
  readonly method: string;
  readonly traceparent: string | string[] | undefined;
  /** Null where no key is asked for, or none was valid. */
  readonly caller: Caller | null;
  /** Its pattern; null where no route has the path. */
  readonly route: string | null;
}

/** The id that the client gave, where it is one that can be repeated safely; else a new one. Errors: none. */
export function requestIdOf(given: string | string[] | undefined): string {
  if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
  return `${PREFIX}-${(++count).toString(36)}`;
}

/** Ids of a W3C `traceparent`, for log lines; nothing when there is none or it is not valid. Errors: none. */
export function traceFields(traceparent: string | string[] | undefined): Readonly<Record<string, string>> {
  if (typeof traceparent !== 'string') return {};
  const [, traceId, spanId] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || traceparent.startsWith('ff')) return {};
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return {};
  return { traceId, parentSpanId: spanId };
}
