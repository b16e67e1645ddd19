import { isDeepStrictEqual } from 'node:util';
import type { FeatureRow, JobScorer, RowScore, ScoringModel } from '../../base/contract/job-scorer.ts';
import type { CancelSignal } from '../../base/contract/live-model.ts';
import type { PredictionValue } from '../../base/contract/prediction-set.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { ChurnMap } from '../../base/heap/churn-map.ts';
import { Backlog } from '../http/backlog.ts';
import { Cancel } from '../http/cancel.ts';
import type { AskedKey } from './asked-key.ts';
import type { FeatureHashes } from './feature-hashes.ts';
import { RecentMisses } from './recent-misses.ts';

export interface LiveScore {
  /** What scored it. */
  readonly model: ScoringModel;
  readonly values: Readonly<Record<string, PredictionValue>>;
  /** ms since 1970. */
  readonly scoredAtMs: number;
  /** The same, ISO, UTC: one text for all rows of a call. */
  readonly scoredAt: string;
}

/** How long the parts of live answers took; the longest call of a request. */
export interface LiveTimes {
  featuresMs: number;
  queueMs: number;
  computeMs: number;
}

export function newLiveTimes(): LiveTimes {
  return { featuresMs: 0, queueMs: 0, computeMs: 0 };
}

export type LiveOutcome = LiveScore | PrescoreError;

export interface LiveOptions {
  readonly scorer: JobScorer;
  /** Null: features come with the request. */
  readonly hashes: FeatureHashes | null;
  readonly deadlineMs: number;
  /** Work that may go on waiting, in milliseconds; what comes on top is refused. */
  readonly queueTimeMs: number;
  readonly maxRows: number;
  readonly negativeForMs: number;
  /** Told of every new live answer, once. */
  readonly onScored: (row: AskedKey, score: LiveScore) => void;
}

/** Rows from which on a call is not joined by other requests: where the model has no room left, all of a call is refused. */
const MOST_GATHERED = 64;
/** Turns of the event loop that a call goes on gathering for, as long as each brings rows: clients answer a burst with a burst. */
const MOST_TURNS = 4;
/** Of the newest call in what is known of the model's time. */
const SHARE = 0.1;
/** Of the work that may wait, what may be the model's: its answers are work for the event loop as well. */
const MODEL_SHARE = 0.5;
/** Of that, what may wait under a flood: less, and the model has nothing to do while the next call is packed. */
const FLOOD_SHARE = 0.5;
/** Stands for a row until its score is there. */
const UNSCORED: LiveScore = { values: {}, model: { name: '', version: null, sha256: '' }, scoredAtMs: 0, scoredAt: '' };

/** One scoring call; the rows of several requests may be in it, and several requests may wait for one row. */
class Call {
  readonly rows: AskedKey[] = [];
  readonly cancel = new Cancel();
  readonly startedAt = performance.now();
  readonly times = newLiveTimes();
  /** Of each row, when it is done. */
  outcomes: readonly LiveOutcome[] = [];
  waiting = 0;
  isStarted = false;
  isDone = false;
  private readonly end = Promise.withResolvers<void>();

  /** Never rejected. */
  get done(): Promise<void> {
    return this.end.promise;
  }

  finish(outcomes: readonly LiveOutcome[]): void {
    this.outcomes = outcomes;
    this.isDone = true;
    this.end.resolve();
  }
}

/** A row's place in a call. */
interface Flight {
  readonly row: AskedKey;
  readonly call: Call;
  readonly at: number;
}

/**
 * Live inference of a set's keys. What is asked for in one turn of the event loop, and in the next ones as long as each brings
 * more, is packed and scored by one call: a call costs as much as ten rows. A key is scored once at a time, however many ask for
 * it; a call that nobody waits for any more is cancelled.
 */
export class LiveLane {
  private readonly options: LiveOptions;
  /** The latest flight of each key. */
  private readonly flights = new ChurnMap<string, Flight>();
  private readonly withoutFeatures: RecentMisses;
  private readonly backlog: Backlog;
  /**
   * Rows that requests wait for, and the time that the model takes for one, as lately seen. A row that two wait for counts
   * twice: its answers are work as well.
   */
  private pendingRows = 0;
  private msPerRow = 0;
  /** The call that rows join. */
  private gathering: Call | null = null;

  constructor(options: LiveOptions) {
    this.options = options;
    this.withoutFeatures = new RecentMisses(options.negativeForMs);
    const limitMs = options.queueTimeMs * MODEL_SHARE;
    this.backlog = new Backlog(limitMs, FLOOD_SHARE * limitMs);
  }

  /** Whether as much waits for the model as may. For whoever refuses then: it counts as a refusal. */
  get isFull(): boolean {
    return this.backlog.isOver(this.pendingRows * this.msPerRow);
  }

  /** Whether a key (with these features) is being scored now. */
  isInFlight(row: AskedKey): boolean {
    return this.flightOf(row) !== null;
  }

  /** Scores rows; an outcome for each. Errors: none; they are outcomes. */
  async score(rows: readonly AskedKey[], signal: CancelSignal | null, times: LiveTimes): Promise<LiveOutcome[]> {
    const refused = this.isFull ? new PrescoreError('LIVE_OVERLOADED', { what: 'too much waits for the model' }) : null;
    if (refused === null) this.backlog.took();
    const flights = rows.map((row) => this.flightOf(row) ?? (refused === null ? this.board(row) : null));
    if (this.gathering !== null && this.gathering.rows.length >= MOST_GATHERED) this.gathering = null;
    const taken = flights.filter((flight) => flight !== null);
    const calls = new Set(taken.map(({ call }) => call));
    const leave = joinCalls(calls, signal);
    this.pendingRows += taken.length;
    for (const call of calls) {
      await call.done;
      times.featuresMs = Math.max(times.featuresMs, call.times.featuresMs);
      times.queueMs = Math.max(times.queueMs, call.times.queueMs);
      times.computeMs = Math.max(times.computeMs, call.times.computeMs);
    }
    leave();
    this.pendingRows -= taken.length;
    return flights.map((flight) => flight?.call.outcomes[flight.at] ?? refused!);
  }

  /**
   * Scores a row beside what is asked for: nobody is told of it, and it is not joined by others. Null where its features are not known.
   *
   * Errors: those of scoring and of reading features.
   */
  async scoreAgain(row: AskedKey): Promise<LiveOutcome | null> {
    const { scorer, hashes, deadlineMs } = this.options;
    const features = hashes === null ? row.features : ((await hashes.read([row.name]))[0] ?? null);
    if (features === null) return null;
    const form = hashes === null ? 'json' : 'text';
    const { rows, model } = await scorer.score({ rows: [features], form, deadlineMs, priority: 0, signal: null });
    const now = new Date();
    return outcomeOf(rows[0], { model, scoredAtMs: now.getTime(), scoredAt: now.toISOString() });
  }

  async close(): Promise<void> {
    await this.options.hashes?.close();
  }

  private board(row: AskedKey): Flight {
    let call = this.gathering;
    if (call === null || call.rows.length >= this.options.maxRows || call.cancel.aborted) {
      const fresh = new Call();
      this.gathering = fresh;
      this.gather(fresh);
      call = fresh;
    }
    const flight: Flight = { row, call, at: call.rows.push(row) - 1 };
    this.flights.set(row.id, flight);
    return flight;
  }

  private gather(call: Call, turns = MOST_TURNS, seen = 0): void {
    setImmediate(() => {
      const { length } = call.rows;
      const grows = turns > 0 && length > seen && length < MOST_GATHERED;
      if (grows) this.gather(call, turns - 1, length);
      else void this.run(call);
    });
  }

  private async run(call: Call): Promise<void> {
    if (call.isStarted) return;
    call.isStarted = true;
    if (this.gathering === call) this.gathering = null;
    const { rows } = call;
    let outcomes: readonly LiveOutcome[];
    try {
      outcomes = await this.scored(call);
    } catch (error) {
      const known = toPrescoreError(error);
      outcomes = rows.map(() => known);
    }
    for (const { id } of rows) if (this.flights.get(id)?.call === call) this.flights.delete(id);
    // The model works on what has come meanwhile while the answers are written.
    if (this.gathering !== null) void this.run(this.gathering);
    call.finish(outcomes);
  }

  private async scored({ rows, times, startedAt, cancel }: Call): Promise<readonly LiveOutcome[]> {
    const { scorer, hashes, deadlineMs } = this.options;
    const features = hashes === null ? rows.map((row) => row.features) : await this.readHashes(hashes, rows);
    const waitedMs = performance.now() - startedAt;
    if (hashes !== null) times.featuresMs = waitedMs;
    const known = features.flatMap((row, i) => (row === null ? [] : [{ row, i }]));
    // An error is only made where one is answered: its stack costs as much as a whole lookup.
    const outcomes: LiveOutcome[] = features.map((row) => (row === null ? noFeatures() : UNSCORED));
    if (known.length === 0) return outcomes;
    const scores = await scorer.score({
      rows: known.map(({ row }) => row),
      form: hashes === null ? 'json' : 'text',
      deadlineMs: Math.max(1, deadlineMs - waitedMs),
      priority: 0,
      signal: cancel,
      isGathered: true,
    });
    times.queueMs = scores.queueMs;
    times.computeMs = scores.computeMs;
    this.learn(scores.computeMs / Math.max(1, scores.batchRows, known.length));
    const now = new Date();
    const at = { model: scores.model, scoredAtMs: now.getTime(), scoredAt: now.toISOString() };
    for (const [k, { i }] of known.entries()) {
      const outcome = outcomeOf(scores.rows[k], at);
      outcomes[i] = outcome;
      if (!(outcome instanceof PrescoreError)) this.options.onScored(rows[i]!, outcome);
    }
    return outcomes;
  }

  private learn(msPerRow: number): void {
    this.msPerRow = this.msPerRow === 0 ? msPerRow : this.msPerRow + SHARE * (msPerRow - this.msPerRow);
  }

  private async readHashes(hashes: FeatureHashes, rows: readonly AskedKey[]): Promise<(FeatureRow | null)[]> {
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

  private flightOf(row: AskedKey): Flight | null {
    const flight = this.flights.get(row.id);
    // One that its callers have given up gives nothing.
    if (flight === undefined || flight.call.cancel.aborted) return null;
    // With features of its own, a row may get another answer than the one before with the same key.
    const isSame = this.options.hashes !== null || isDeepStrictEqual(flight.row.features, row.features);
    return isSame ? flight : null;
  }
}

function outcomeOf(score: RowScore | undefined, at: Omit<LiveScore, 'values'>): LiveOutcome {
  if (score === undefined) return new PrescoreError('INTERNAL', { what: 'a row has no score' });
  if ('values' in score) return { values: score.values, ...at };
  const { column, message, rule } = score;
  return new PrescoreError('FEATURES_INVALID', { what: message, where: column, data: { rule } });
}

function noFeatures(): PrescoreError {
  return new PrescoreError('FEATURES_NOT_FOUND', { what: 'no features' });
}

/** Counts a request as waiting for calls until `leave`, or until its client has gone; the last to go cancels. */
function joinCalls(calls: ReadonlySet<Call>, signal: CancelSignal | null): () => void {
  for (const call of calls) call.waiting++;
  let hasLeft = false;
  const leave = (): void => {
    if (hasLeft) return;
    hasLeft = true;
    signal?.removeEventListener('abort', leave);
    for (const call of calls) if (--call.waiting === 0 && !call.isDone) call.cancel.abort();
  };
  if (signal?.aborted === true) leave();
  else signal?.addEventListener('abort', leave);
  return leave;
}
