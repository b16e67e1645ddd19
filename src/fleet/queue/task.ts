import { createHash } from 'node:crypto';
import { TASK_KINDS, type TaskKind } from '../../base/contract/queue-records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { parseRunId } from '../../job/slots/run-id.ts';

/** All that a queue job holds: where the records are, and which step of which run. */
export interface Task {
  /** State URI. */
  readonly state: string;
  /** A run id; the id of a publication for `publish`. */
  readonly run: string;
  readonly kind: TaskKind;
  /** The chunk; 0 for the other kinds. */
  readonly n: number;
}

const PUBLICATION = /^[\w-]{1,64}$/;

/** The same task has the same id wherever it is made, so that it is in the queue once. Neither `:` nor a bare integer. */
export function taskId({ state, run, kind, n }: Task): string {
  return `${stateDigest(state)}.${run}.${kind}.${n}`;
}

/** First 12 hexadecimal digits of the sha256 of a state URI. */
export function stateDigest(state: string): string {
  return createHash('sha256').update(state).digest('hex').slice(0, 12);
}

/** Reads what a queue holds, which anybody who can write to Redis may have put there. Errors: QUEUE_CONFIG. */
export function readTask(data: unknown): Task {
  const { state, run, kind, n } = (typeof data === 'object' && data !== null ? data : {}) as Partial<
    Record<keyof Task, unknown>
  >;
  const known = TASK_KINDS.find((name) => name === kind);
  const isSound =
    typeof state === 'string' &&
    state.length <= 2048 &&
    typeof run === 'string' &&
    known !== undefined &&
    typeof n === 'number' &&
    Number.isSafeInteger(n) &&
    n >= 0;
  if (!isSound) throw refused();
  if (known === 'publish' ? !PUBLICATION.test(run) : !isRunId(run)) throw refused();
  return { state: state.replace(/\/+$/, ''), run, kind: known, n };
}

/** Errors: STATE_REFUSED when no allowed prefix covers the state; prefixes end at a slash. */
export function checkAllowed(state: string, allow: readonly string[]): void {
  if (allow.some((prefix) => `${state}/`.startsWith(`${prefix}/`) && !/(^|\/)\.{1,2}(\/|$)/.test(state))) return;
  throw new PrescoreError('STATE_REFUSED', {
    what: 'a task names a state outside of what this worker may touch',
    where: state,
    expected: `below ${allow.join(' or ')}`,
  });
}

function isRunId(text: string): boolean {
  try {
    parseRunId(text);
    return true;
  } catch {
    return false;
  }
}

function refused(): PrescoreError {
  return new PrescoreError('QUEUE_CONFIG', {
    what: 'the queue holds something that is no task of prescore',
    fix: 'Give prescore a Redis database of its own.',
  });
}
