import type { RunEvent } from '../contract/run-events.ts';

const LINE_EVERY_MS = 200;
const PLAIN_EVERY_MS = 5000;

interface RunState {
  readonly name: string;
  readonly rows: number | null;
  readonly chunks: number;
  rowsDone: number;
  chunksDone: number;
  readonly rowsAtStart: number;
}

/**
 * Progress for people: one line that is rewritten on a terminal, a plain line every five seconds elsewhere. Shows rows,
 * rows per second, what is left of the time, and chunks, over all runs that are going.
 */
export class ProgressLine {
  private readonly out: NodeJS.WriteStream;
  private readonly isTerminal: boolean;
  private readonly runs = new Map<string, RunState>();
  private readonly started = performance.now();
  private publishing: (RunEvent & { readonly event: 'publishing' }) | null = null;
  private lastShown = 0;
  private isLineOpen = false;

  constructor(out: NodeJS.WriteStream) {
    this.out = out;
    this.isTerminal = out.isTTY === true;
  }

  take(event: RunEvent): void {
    if (event.event === 'planned') {
      this.runs.set(event.runId, {
        name: event.runId,
        rows: event.rows,
        chunks: event.chunks,
        rowsDone: event.rowsDone,
        chunksDone: event.chunksDone,
        rowsAtStart: event.rowsDone,
      });
      const left = event.isResumed
        ? `resuming ${event.runId}: ${sayCount(event.chunksDone)} of ${sayMany(event.chunks, 'chunk')} done`
        : `run ${event.runId}: ${sayMany(event.files, 'file')}, ${sayMany(event.chunks, 'chunk')}, ${sayRows(event.rows)}`;
      const skipped = event.skipped > 0 ? `, ${sayMany(event.skipped, 'bad file')} skipped` : '';
      this.say(`${left}${skipped}`);
    }
    if (event.event === 'publishing') this.publishing = event;
    const run = 'runId' in event && event.runId !== null ? this.runs.get(event.runId) : undefined;
    if (run === undefined && event.event !== 'publishing') return;
    if (run === undefined) {
      this.show(false);
      return;
    }
    if (event.event === 'progress') run.rowsDone = event.rowsDone;
    if (event.event === 'chunk') run.chunksDone++;
    this.show(false);
  }

  /** A line of its own, above the progress line. */
  say(text: string): void {
    this.clear();
    this.out.write(`${text}\n`);
  }

  /** Removes the progress line. */
  clear(): void {
    if (this.isLineOpen) this.out.write('\r\x1b[K');
    this.isLineOpen = false;
  }

  private show(isForced: boolean): void {
    const now = performance.now();
    const every = this.isTerminal ? LINE_EVERY_MS : PLAIN_EVERY_MS;
    if (!isForced && now - this.lastShown < every) return;
    if (!this.isTerminal && this.lastShown === 0 && now - this.started < PLAIN_EVERY_MS) return;
    this.lastShown = now;
    const text = this.text(now);
    if (!this.isTerminal) {
      this.out.write(`${text}\n`);
      return;
    }
    const width = this.out.columns ?? 80;
    this.out.write(`\r\x1b[K${text.slice(0, width - 1)}`);
    this.isLineOpen = true;
  }

  private text(now: number): string {
    if (this.publishing !== null) {
      const { set, stage, rows, of } = this.publishing;
      return `publishing ${set}: ${stage} ${sayCount(rows)} of ${sayMany(of, 'row')}`;
    }
    const runs = [...this.runs.values()];
    const sum = (pick: (run: RunState) => number): number => runs.reduce((all, run) => all + pick(run), 0);
    const done = sum((r) => r.rowsDone);
    const isCounted = runs.every((r) => r.rows !== null);
    const total = sum((r) => r.rows ?? 0);
    const rate = (done - sum((r) => r.rowsAtStart)) / ((now - this.started) / 1000);
    const share = isCounted && total > 0 ? ` ${Math.floor((100 * done) / total)} %` : '';
    const left = isCounted && rate > 0 ? `, ${sayDuration((total - done) / rate)} left` : '';
    return `${share.trim()} ${sayCount(done)}${isCounted ? ` of ${sayCount(total)}` : ''} rows, ${sayCount(rate)} rows/s${left}, chunk ${sum((r) => r.chunksDone)} of ${sum((r) => r.chunks)}`.trim();
  }
}

/** `1,347,104`. */
export function sayCount(value: number): string {
  // By hand: the locale data behind toLocaleString takes 40 ms to load.
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `2,048 files`: the word with its number. `others`: where it does not just take an s. */
export function sayMany(count: number, one: string, others = `${one}s`): string {
  return `${sayCount(count)} ${count === 1 ? one : others}`;
}

function sayRows(rows: number | null): string {
  return rows === null ? 'rows not counted yet' : sayMany(rows, 'row');
}

/** `9.4 s`, `3 min 20 s`, `2 h 5 min`. */
export function sayDuration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** `18.2 MB`. */
export function sayBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
