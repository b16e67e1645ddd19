import type { ObjectStore } from '../../base/contract/object-store.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import { damaged, isFields } from './log-fault.ts';
import { LOG_FOLDER, versionDigits } from './log-names.ts';
import type { Replay } from './replay.ts';

const IN_FLIGHT = 16;
/** A commit names the files that it adds: 100,000 with statistics are about 100 MB. */
const MOST_BYTES = 1024 * 1024 * 1024;
const NEWLINE = 10;

/**
 * Replays the commits [first, last] of the table with this root. Each is asked for by its name: no listing decides whether it is there.
 *
 * Errors: INPUT_TABLE_LOG for one that is missing or damaged; those of the store.
 */
export async function replayCommits(
  store: ObjectStore,
  root: string,
  first: number,
  last: number,
  replay: Replay,
): Promise<void> {
  for (let from = first; from <= last; from += IN_FLIGHT) {
    const count = Math.min(IN_FLIGHT, last - from + 1);
    const keys = Array.from({ length: count }, (_, i) => `${root}${LOG_FOLDER}${versionDigits(from + i)}.json`);
    const bodies = await Promise.all(keys.map((key) => readLogFile(store, key)));
    for (const [i, bytes] of bodies.entries()) {
      const where = store.uriOf(keys[i]!);
      if (bytes === null) {
        const what = `the log of the table has a gap: commit ${from + i} is missing, and version ${last} needs it`;
        throw damaged(what, where);
      }
      replayLines(bytes, where, replay);
    }
  }
}

/** A file of the log, whole; null when there is none. Errors: INPUT_TABLE_LOG for one that is too long; those of the store. */
export async function readLogFile(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  try {
    const found = await store.get(key, { maxBytes: MOST_BYTES });
    return found?.bytes ?? null;
  } catch (error) {
    if (!isPrescoreError(error) || error.code !== 'STORE_CORRUPT') throw error;
    throw damaged(`a file of the log has more than ${MOST_BYTES} bytes`, store.uriOf(key));
  }
}

/** Replays the actions of a commit or a JSON checkpoint, one a line; `onAction` sees each. Errors: INPUT_TABLE_LOG with the line. */
export function replayLines(
  bytes: Uint8Array,
  where: string,
  replay: Replay,
  onAction: (action: Readonly<Record<string, unknown>>) => void = () => undefined,
): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let actions = 0;
  for (let from = 0, line = 1; from < text.length; line++) {
    const found = text.indexOf(NEWLINE, from);
    const end = found === -1 ? text.length : found;
    const action = parsed(text.toString('utf8', from, end).trim(), `${where}:${line}`);
    from = end + 1;
    if (action === null) continue;
    actions++;
    replay.take(action, `${where}:${line}`);
    onAction(action);
  }
  if (actions === 0) throw damaged('a file of the log is empty', where);
}

function parsed(line: string, where: string): Readonly<Record<string, unknown>> | null {
  if (line === '') return null;
  try {
    const action: unknown = JSON.parse(line);
    if (isFields(action)) return action;
  } catch {
    // As what is no object.
  }
  throw damaged('a line of the log is no JSON object', where);
}
