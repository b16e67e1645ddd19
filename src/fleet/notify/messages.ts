import { createHash } from 'node:crypto';
import type { RunDone } from '../../base/contract/run-events.ts';
import type { PrescoreError } from '../../base/errors/prescore-error.ts';

export type NotifyKind = 'done' | 'failed' | 'rejects';

/** What is sent: `type` and `timestamp` as in Standard Webhooks. Holds ids, counts and errors, never rows or credentials. */
export interface NotifyMessage {
  readonly id: string;
  readonly kind: NotifyKind;
  /** JSON. */
  readonly body: string;
}

/** A run that was committed. The id is the same whenever it is told, so that a receiver can drop a second one. */
export function doneMessage(job: string, done: RunDone, at: Date): NotifyMessage {
  const { runId, partition, rows, rejected, rejectsByRule, seconds, output, parts, bytes } = done;
  const { filtered } = done;
  const leftOut = filtered === undefined ? {} : { filtered };
  const counts = { rows, rejected, ...leftOut, rejectsByRule };
  const data = { job, runId, partition, ...counts, seconds, output: blot(output), parts, bytes };
  return message('done', `${runId} done`, data, at);
}

/** A run, or the slot of a schedule, that failed; REJECT_LIMIT is told as `rejects`. */
export function failedMessage(
  job: string,
  about: { readonly partition: string | null; readonly slot: string | null },
  error: PrescoreError,
  at: Date,
): NotifyMessage {
  const { code, exitCode, fix } = error;
  const data = { job, ...about, error: { code, exitCode, message: blot(error.message), fix } };
  const kind = code === 'REJECT_LIMIT' ? 'rejects' : 'failed';
  return message(kind, `${job} ${about.partition} ${about.slot ?? at.toISOString()} ${code}`, data, at);
}

function message(kind: NotifyKind, about: string, data: object, at: Date): NotifyMessage {
  const digest = createHash('sha256').update(`${kind} ${about}`).digest('base64url').slice(0, 24);
  return {
    id: `msg_${digest}`,
    kind,
    body: JSON.stringify({ type: `run.${kind}`, timestamp: at.toISOString(), data }),
  };
}

/** User information and query strings of URLs may be credentials. */
function blot(text: string): string {
  return text
    .replace(/(rediss?(?:\+[a-z]+)?:\/\/)\S*@/gi, '$1…@')
    .replace(/(:\/\/)[^/?#@\s]*@/g, '$1…@')
    .replace(/\?[^\s;,]*/g, '?…');
}
