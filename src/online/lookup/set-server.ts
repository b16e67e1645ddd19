import type { JobScorer } from '../../base/contract/job-scorer.ts';
import type { CancelSignal } from '../../base/contract/live-model.ts';
import type { PredictionValue } from '../../base/contract/prediction-set.ts';
import type { AnswerSource, ServedSet } from '../../base/contract/serve-config.ts';
import { ERROR_CODES, type ErrorCode } from '../../base/errors/error-codes.ts';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { type PredictionKey, unlikeKeys } from '../../sets/prediction-set/key-bytes.ts';
import type { Prediction } from '../../sets/reader/prediction-reader.ts';
import type { Admission } from '../http/admission.ts';
import type { Work } from '../http/work-meter.ts';
import type { AskedKey } from '../live/asked-key.ts';
import { type LiveLane, type LiveOutcome, type LiveTimes, newLiveTimes } from '../live/live-lane.ts';
import { RecentMisses } from '../live/recent-misses.ts';
import type { SetLookup } from './set-lookup.ts';
import type { SpotCheck } from './spot-check.ts';

export interface GivenAnswer {
  readonly source: AnswerSource;
  readonly values: Readonly<Record<string, PredictionValue>>;
  readonly runId: string | null;
  readonly model: { readonly name: string | null; readonly version: string | null; readonly sha256: string } | null;
  /** ISO, UTC; null for a default. */
  readonly scoredAt: string | null;
  readonly ageMs: number;
  /** Of a stale or default answer: why there is no better one. */
  readonly reason: ErrorCode | null;
}

export type Answer = GivenAnswer | PrescoreError;

/** Milliseconds of the stages of one request. */
export interface AnswerTimes extends LiveTimes {
  lookupMs: number;
  /** What the request is for the admission. */
  readonly work: Work;
}

export interface SetServerOptions {
  readonly name: string;
  readonly config: ServedSet;
  /** Null when the order asks for neither cache nor stale. */
  readonly lookup: SetLookup | null;
  readonly live: { readonly lane: LiveLane; readonly scorer: JobScorer } | null;
  readonly admission: Pick<Admission, 'isLate' | 'away'>;
  /** Of the columns that the set's answers have; null: all that there are. */
  readonly columns: readonly string[] | null;
  /** Compares some answers from the set with live ones; null without a model. */
  readonly spot?: SpotCheck | null;
  readonly onLookup: (outcome: 'hit' | 'miss' | 'failed', keys: number) => void;
}

/** Answers keys of one set from the first place of its order that has an answer. */
export class SetServer {
  readonly name: string;
  readonly config: ServedSet;
  readonly lookup: SetLookup | null;
  readonly live: SetServerOptions['live'];
  private readonly options: SetServerOptions;
  private readonly missing: RecentMisses;
  /** Where keys are looked up; null where the order asks for no such answer. */
  private readonly searched: SetLookup | null;
  private readonly freshMs: number;
  private readonly staleMs: number;

  constructor(options: SetServerOptions) {
    const { config } = options;
    this.options = options;
    this.name = options.name;
    this.config = config;
    this.lookup = options.lookup;
    this.live = options.live;
    this.missing = new RecentMisses(config.negativeForMs);
    this.searched = config.order.some((place) => place === 'cache' || place === 'stale') ? options.lookup : null;
    this.freshMs = config.order.includes('cache') ? (config.maxAgeMs ?? Number.POSITIVE_INFINITY) : -1;
    this.staleMs = config.order.includes('stale') ? (config.maxAgeMs ?? 0) + (config.staleForMs ?? 0) : -1;
  }

  /** Whether no request could be answered now: the set is scored live alone, and as much waits for its model as may. */
  get isFull(): boolean {
    return this.searched === null && this.config.defaults === null && this.live?.lane.isFull === true;
  }

  /** An answer, or the reason why there is none, for each key. Errors: none. */
  async answer(asked: readonly AskedKey[], signal: () => CancelSignal, times: AnswerTimes): Promise<Answer[]> {
    const started = performance.now();
    const found = this.searched === null ? asked.map(notFound) : await this.lookUp(this.searched, asked);
    if (this.searched !== null) times.lookupMs = performance.now() - started;
    const answers = found.map((one) => this.fromCache(one));
    const { spot = null } = this.options;
    if (spot !== null) for (const [i, { hit }] of found.entries()) if (hit !== null) spot.saw(asked[i]!, hit);
    for (const place of this.config.order) {
      if (place === 'cache') continue;
      const open = answers.flatMap((answer, i) => (answer === null ? [i] : []));
      if (open.length === 0) break;
      if (place === 'stale') for (const i of open) answers[i] = this.fromStale(found[i]!, asked[i]!);
      else if (place === 'default') for (const i of open) answers[i] = this.defaultAnswer(found[i]!);
      else await this.goLive(asked, open, found, answers, signal, times);
    }
    return answers.map((answer, i) => answer ?? this.reasonFor(found[i]!, asked[i]!.key));
  }

  private async lookUp(lookup: SetLookup, asked: readonly AskedKey[]): Promise<Found[]> {
    if (asked.length === 1) return [await this.lookUpOne(lookup, asked[0]!)];
    const isWanted = asked.map(({ id }) => !this.missing.has(id));
    const wanted = asked.filter((_, i) => isWanted[i]);
    const found: Found[] = asked.map(notFound);
    if (wanted.length === 0) return found;
    try {
      const hits = await lookup.getMany(wanted.map(({ key }) => key));
      let misses = 0;
      let at = 0;
      for (const [i, { id }] of asked.entries()) {
        if (!isWanted[i]) continue;
        const hit = hits[at++] ?? null;
        if (hit === null) {
          this.missing.add(id);
          misses++;
        } else if (isPrescoreError(hit)) found[i]!.problem = hit;
        else found[i]!.hit = hit;
      }
      if (misses > 0) this.options.onLookup('miss', misses);
      if (misses < hits.length) this.options.onLookup('hit', hits.length - misses);
    } catch (error) {
      const problem = toPrescoreError(error);
      for (const [i, one] of found.entries()) if (isWanted[i]) one.problem = problem;
      this.options.onLookup('failed', wanted.length);
    }
    return found;
  }

  private async lookUpOne(lookup: SetLookup, { key, id }: AskedKey): Promise<Found> {
    if (this.missing.has(id)) return notFound();
    try {
      const hit = await lookup.get(key);
      if (hit === null) this.missing.add(id);
      this.options.onLookup(hit === null ? 'miss' : 'hit', 1);
      return { hit, problem: null, liveProblem: null };
    } catch (error) {
      this.options.onLookup('failed', 1);
      return { hit: null, problem: toPrescoreError(error), liveProblem: null };
    }
  }

  private fromCache({ hit }: Found): Answer | null {
    return hit !== null && hit.ageMs <= this.freshMs ? given('cache', hit) : null;
  }

  // Where stale comes before live, the answer is given at once and the key is scored for the next one who asks.
  private fromStale(found: Found, asked: AskedKey): Answer | null {
    const { hit } = found;
    if (hit === null || hit.ageMs > this.staleMs) return null;
    const { order, writeBack } = this.config;
    const isRefreshed = order.includes('live') && writeBack !== null && order.indexOf('stale') < order.indexOf('live');
    if (isRefreshed && this.live !== null && !this.options.admission.isLate()) {
      if (!this.live.lane.isInFlight(asked)) void this.live.lane.score([asked], null, newLiveTimes());
    }
    return { ...given('stale', hit), reason: this.reasonFor(found).code };
  }

  private async goLive(
    asked: readonly AskedKey[],
    open: readonly number[],
    found: readonly Found[],
    answers: (Answer | null)[],
    signal: () => CancelSignal,
    times: AnswerTimes,
  ): Promise<void> {
    if (this.live === null) return;
    const { lane } = this.live;
    const wanted = open.filter((i) => found[i]!.problem?.code !== 'KEY_INVALID');
    // Somebody refreshes this key already: what is there will do meanwhile.
    const waiting = wanted.filter((i) => !(this.canBeStale(found[i]!) && lane.isInFlight(asked[i]!)));
    if (waiting.length === 0) return;
    const { admission } = this.options;
    if (admission.isLate()) {
      const late = new PrescoreError('SERVER_OVERLOADED', { what: 'the event loop is late' });
      for (const i of waiting) found[i]!.liveProblem = late;
      return;
    }
    const rows = waiting.map((i) => asked[i]!);
    const outcomes = await admission.away(times.work, () => lane.score(rows, signal(), times));
    for (const [at, i] of waiting.entries()) {
      const outcome = outcomes[at]!;
      if (outcome instanceof PrescoreError) found[i]!.liveProblem = outcome;
      else answers[i] = this.liveAnswer(outcome);
    }
  }

  private canBeStale({ hit }: Found): boolean {
    return hit !== null && hit.ageMs <= this.staleMs;
  }

  private liveAnswer(outcome: Exclude<LiveOutcome, PrescoreError>): GivenAnswer {
    const { columns } = this.options;
    const values =
      columns === null ? outcome.values : Object.fromEntries(columns.map((c) => [c, outcome.values[c] ?? null]));
    return {
      source: 'live',
      values,
      runId: null,
      model: outcome.model,
      scoredAt: outcome.scoredAt,
      ageMs: Math.max(0, Date.now() - outcome.scoredAtMs),
      reason: null,
    };
  }

  private defaultAnswer(found: Found): GivenAnswer | null {
    const { defaults } = this.config;
    if (defaults === null) return null;
    const reason = this.reasonFor(found).code;
    return { source: 'default', values: defaults, runId: null, model: null, scoredAt: null, ageMs: 0, reason };
  }

  private notThere(key: PredictionKey | undefined): PrescoreError {
    const shape = this.searched?.lastShape ?? null;
    const why = key === undefined || shape === null ? null : unlikeKeys(key, shape.kind);
    const { meaning } = ERROR_CODES.PREDICTION_NOT_FOUND;
    return new PrescoreError('PREDICTION_NOT_FOUND', {
      what: why === null ? meaning : `${meaning.replace(/\.$/, '')}: ${why}.`,
    });
  }

  // What the client can mend comes first, then what may be over in a moment.
  private reasonFor({ hit, problem, liveProblem }: Found, key?: PredictionKey): PrescoreError {
    if (problem?.code === 'KEY_INVALID') return problem;
    if (liveProblem !== null && liveProblem.code !== 'FEATURES_NOT_FOUND') return liveProblem;
    if (problem !== null && problem.code !== 'SET_UNKNOWN') return problem;
    if (hit !== null) return new PrescoreError('PREDICTION_TOO_OLD', { what: 'too old' });
    return liveProblem ?? problem ?? this.notThere(key);
  }
}

/** What is known of a key on its way through the order. */
interface Found {
  hit: Prediction | null;
  problem: PrescoreError | null;
  liveProblem: PrescoreError | null;
}

function notFound(): Found {
  return { hit: null, problem: null, liveProblem: null };
}

export function newTimes(work: Work): AnswerTimes {
  return { ...newLiveTimes(), lookupMs: 0, work };
}

function given(source: AnswerSource, { values, runId, model, scoredAt, ageMs }: Prediction): GivenAnswer {
  return { source, values, runId, model, scoredAt, ageMs, reason: null };
}
