import { isDeepStrictEqual } from 'node:util';
import type { FeatureRow, JobScorer, RowScore } from '../contract/job-scorer.ts';
import type { PredictionValue } from '../contract/prediction-set.ts';
import { PrescoreError, toPrescoreError } from '../errors/prescore-error.ts';
import type { PredictionKey } from '../prediction-set/key-bytes.ts';
import type { FeatureHashes } from './feature-hashes.ts';
import { ShortMemory } from './short-memory.ts';

/** A key that is to be scored now. */
export interface LiveRow {
  readonly key: PredictionKey;
  /** Names the key in maps. */
  readonly id: string;
  /** Names it in templates. */
  readonly name: string;
  /** Of the request; null: it brought none. */
  readonly features: FeatureRow | null;
}

export interface LiveScore {
  readonly values: Readonly<Record<string, PredictionValue>>;
  /** ms since 1970. */
  readonly scoredAtMs: number;
}

/** How long the parts of live answers took; the longest call of a request. */
export interface LiveTimes {
  featuresMs: number;
  queueMs: number;
  computeMs: number;
}

export type LiveOutcome = LiveScore | PrescoreError;

export interface LiveOptions {
  readonly scorer: JobScorer;
  /** Null: features come with the request. */
  readonly hashes: FeatureHashes | null;
  readonly deadlineMs: number;
  readonly maxRows: number;
  readonly negativeForMs: number;
  /** Told of every new live answer, once. */
  readonly onScored: (row: LiveRow, score: LiveScore) => void;
}

/** One scoring call that several requests may wait for. */
interface Flight {
  readonly row: LiveRow;
  readonly outcome: Promise<LiveOutcome>;
  readonly call: Call;
}

/** Stands for a row until its score is there. */
const UNSCORED: LiveScore = { values: {}, scoredAtMs: 0 };

interface Call {
  readonly controller: AbortController;
  waiting: number;
  isDone: boolean;
}

/**
 * Live inference of a set's keys. A key is scored once at a time, however many ask for it; a call that nobody waits for any more
 * is cancelled.
 */
export class LiveLane {
  private readonly options: LiveOptions;
  /** The latest flight of each key. */
  private readonly flights = new Map<string, Flight>();
  private readonly withoutFeatures: ShortMemory;

  constructor(options: LiveOptions) {
    this.options = options;
    this.withoutFeatures = new ShortMemory(options.negativeForMs);
  }

  /** Whether a key (with these features) is being scored now. */
  isInFlight(row: LiveRow): boolean {
    return this.flightOf(row) !== null;
  }

  /** Scores rows; an outcome for each. Errors: none; they are outcomes. */
  async score(rows: readonly LiveRow[], signal: AbortSignal | null, times: LiveTimes): Promise<LiveOutcome[]> {
    const waits: Promise<LiveOutcome>[] = new Array(rows.length);
    const calls = new Set<Call>();
    const fresh: { readonly row: LiveRow; readonly at: number }[] = [];
    for (const [at, row] of rows.entries()) {
      const flight = this.flightOf(row);
      // One that its callers have given up gives nothing.
      if (flight === null || flight.call.controller.signal.aborted) fresh.push({ row, at });
      else {
        waits[at] = flight.outcome;
        calls.add(flight.call);
      }
    }
    for (let from = 0; from < fresh.length; from += this.options.maxRows) {
      const part = fresh.slice(from, from + this.options.maxRows);
      const call: Call = { controller: new AbortController(), waiting: 0, isDone: false };
      calls.add(call);
      const outcomes = this.call(
        part.map(({ row }) => row),
        call,
        times,
      );
      for (const [i, { row, at }] of part.entries()) {
        const outcome = outcomes.then((all) => all[i]!);
        waits[at] = outcome;
        this.flights.set(row.id, { row, outcome, call });
      }
      void outcomes.then(() => {
        call.isDone = true;
        for (const { row } of part) if (this.flights.get(row.id)?.call === call) this.flights.delete(row.id);
      });
    }
    const leave = joinCalls(calls, signal);
    try {
      return await Promise.all(waits);
    } finally {
      leave();
    }
  }

  async close(): Promise<void> {
    await this.options.hashes?.close();
  }

  private async call(rows: readonly LiveRow[], call: Call, times: LiveTimes): Promise<LiveOutcome[]> {
    const { scorer, hashes, deadlineMs } = this.options;
    const started = performance.now();
    try {
      const features = hashes === null ? rows.map((row) => row.features) : await this.readHashes(hashes, rows);
      const readMs = performance.now() - started;
      if (hashes !== null) times.featuresMs = Math.max(times.featuresMs, readMs);
      const known = features.flatMap((row, i) => (row === null ? [] : [{ row, i }]));
      // An error is only made where one is answered: its stack costs as much as a whole lookup.
      const outcomes: LiveOutcome[] = features.map((row) => (row === null ? noFeatures() : UNSCORED));
      if (known.length === 0) return outcomes;
      const scores = await scorer.score({
        rows: known.map(({ row }) => row),
        form: hashes === null ? 'json' : 'text',
        deadlineMs: Math.max(1, deadlineMs - readMs),
        priority: 0,
        signal: call.controller.signal,
      });
      times.queueMs = Math.max(times.queueMs, scores.queueMs);
      times.computeMs = Math.max(times.computeMs, scores.computeMs);
      const scoredAtMs = Date.now();
      for (const [at, { i }] of known.entries()) {
        const outcome = outcomeOf(scores.rows[at], scoredAtMs);
        outcomes[i] = outcome;
        if (!(outcome instanceof PrescoreError)) this.options.onScored(rows[i]!, outcome);
      }
      return outcomes;
    } catch (error) {
      const known = toPrescoreError(error);
      return rows.map(() => known);
    }
  }

  private async readHashes(hashes: FeatureHashes, rows: readonly LiveRow[]): Promise<(FeatureRow | null)[]> {
    const wanted = rows.flatMap((row, i) => (this.withoutFeatures.has(row.id) ? [] : [{ row, i }]));
    const found: (FeatureRow | null)[] = rows.map(() => null);
    if (wanted.length === 0) return found;
    const read = await hashes.read(wanted.map(({ row }) => row.name));
    for (const [at, { row, i }] of wanted.entries()) {
      found[i] = read[at] ?? null;
      if (found[i] === null) this.withoutFeatures.add(row.id);
    }
    return found;
  }

  private flightOf(row: LiveRow): Flight | null {
    const flight = this.flights.get(row.id);
    if (flight === undefined) return null;
    // With features of its own, a row may get another answer than the one before with the same key.
    const isSame = this.options.hashes !== null || isDeepStrictEqual(flight.row.features, row.features);
    return isSame ? flight : null;
  }
}

function outcomeOf(score: RowScore | undefined, scoredAtMs: number): LiveOutcome {
  if (score === undefined) return new PrescoreError('INTERNAL', { what: 'a row has no score' });
  if ('values' in score) return { values: score.values, scoredAtMs };
  const { column, message, rule } = score;
  return new PrescoreError('FEATURES_INVALID', { what: message, where: column, data: { rule } });
}

function noFeatures(): PrescoreError {
  return new PrescoreError('FEATURES_NOT_FOUND', { what: 'no features' });
}

/** Counts a request as waiting for calls until `leave`, or until its client has gone; the last to go cancels. */
function joinCalls(calls: ReadonlySet<Call>, signal: AbortSignal | null): () => void {
  for (const call of calls) call.waiting++;
  let hasLeft = false;
  const leave = (): void => {
    if (hasLeft) return;
    hasLeft = true;
    signal?.removeEventListener('abort', leave);
    for (const call of calls) if (--call.waiting === 0 && !call.isDone) call.controller.abort();
  };
  if (signal?.aborted === true) leave();
  else signal?.addEventListener('abort', leave);
  return leave;
}
