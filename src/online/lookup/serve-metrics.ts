import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { CellCounter, CellHistogram, Counter, Metrics, Series, Tally } from '../../base/telemetry/metrics.ts';
import type { Admission } from '../http/admission.ts';
import type { BreakerState } from './breaker.ts';
import type { Answer, SetServer } from './set-server.ts';
import type { SpotOutcome } from './spot-check.ts';

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const AGES = [1, 10, 60, 600, 3_600, 6 * 3_600, 12 * 3_600, 86_400, 2 * 86_400, 7 * 86_400];
const STATES: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** The figures of the online endpoint. `prediction_*` have the names that dashboards of model servers use. */
export class ServeMetrics {
  private readonly latency: Remembered<Series>;
  private readonly ages: Remembered<Series>;
  private readonly lookupKeys: Series;
  private readonly batchRows: Remembered<Series>;
  private readonly queueSeconds: Remembered<Series>;
  private readonly computeSeconds: Remembered<Series>;
  private readonly predictions: Remembered<Tally>;
  private readonly answers: Remembered<Tally>;
  private readonly lookups: Remembered<Tally>;
  private readonly requests: Remembered<Tally>;
  private readonly liveFailures: Counter<'model_name' | 'code'>;
  private readonly deaths: Counter<'model_name'>;
  private readonly writes: Counter<'set' | 'outcome'>;
  private readonly spots: Counter<'set' | 'outcome'>;
  private readonly breakers = new Map<string, BreakerState>();

  constructor(metrics: Metrics, admission: Admission) {
    const { latency, age } = { latency: 'prediction_latency_seconds', age: 'prescore_cache_age_seconds' };
    const series = (name: string, help: string, buckets: readonly number[], labels: readonly string[]) =>
      rememberedSeries(metrics.cellHistogram(name, help, buckets, labels), labels);
    const tallies = (name: string, help: string, labels: readonly string[]) =>
      rememberedTallies(metrics.cellCounter(name, help, labels), labels);
    this.latency = series(latency, 'Time from the headers of a request to its answer.', SECONDS, ['set', 'endpoint']);
    this.predictions = tallies('prediction_total', 'Predictions asked for, by model and outcome.', [
      'model_name',
      'status',
    ]);
    this.answers = tallies('prescore_answers_total', 'Answers by set and source; error: none was given.', [
      'set',
      'source',
    ]);
    this.ages = series(age, 'Age of answers from the set; once for those of one request and run.', AGES, ['set']);
    this.lookups = tallies('prescore_lookups_total', 'Keys looked up, by outcome.', ['set', 'outcome']);
    this.lookupKeys = metrics
      .cellHistogram('prescore_lookup_keys', 'Keys of one command to the store.', ROWS)
      .series({});
    this.batchRows = series('prescore_batch_rows', 'Rows scored at once.', ROWS, ['model_name']);
    this.queueSeconds = series('prescore_queue_seconds', 'Wait before scoring.', SECONDS, ['model_name']);
    this.computeSeconds = series('prescore_compute_seconds', 'Time in the model.', SECONDS, ['model_name']);
    this.liveFailures = metrics.counter('prescore_live_failures_total', 'Live requests without an answer, by code.', [
      'model_name',
      'code',
    ]);
    this.deaths = metrics.counter('prescore_scorer_deaths_total', 'Scorer children that died or were ended.', [
      'model_name',
    ]);
    this.requests = tallies('prescore_http_requests_total', 'Requests by method and status.', ['method', 'status']);
    this.writes = metrics.counter('prescore_write_back_total', 'Live answers for the set, by outcome.', [
      'set',
      'outcome',
    ]);
    this.spots = metrics.counter(
      'prescore_spot_checks_total',
      'Answers from a set that were scored again, by what was found.',
      ['set', 'outcome'],
    );
    metrics.gauge('prescore_in_flight', 'Requests in work.', [], (g) => g.set(admission.inFlight));
    metrics.gauge('prescore_loop_delay_seconds', 'How late the event loop runs.', [], (g) =>
      g.set(admission.loopDelayMs / 1000),
    );
    metrics.gauge('prescore_shed_requests', 'Requests refused with 503 since the start.', [], (g) =>
      g.set(admission.refused),
    );
    metrics.gauge('prescore_breaker_state', 'Of a store: 0 closed, 1 half-open, 2 open.', ['store'], (g) => {
      for (const [store, state] of this.breakers) g.set({ store }, STATES[state]);
    });
  }

  request(method: string, status: number): void {
    this.requests(method, String(status)).count++;
  }

  /** One request of an endpoint, such as `predictions`; `set` is the set or the model. */
  latencyOf(set: string, endpoint: string, seconds: number): void {
    this.latency(set, endpoint).observe(seconds);
  }

  /** Rows of one request of the model protocols; a request that failed counts as one. */
  prediction(model: string, isSuccess: boolean, rows = 1): void {
    this.predictions(model, isSuccess ? 'success' : 'error').count += rows;
  }

  /** The answers of one request to a set. */
  answered(server: SetServer, answers: readonly Answer[], seconds: number): void {
    const { name } = server;
    this.latency(name, 'predictions').observe(seconds);
    // Answers that are alike are counted together: most of a request are.
    for (let from = 0; from < answers.length; ) {
      const first = answers[from]!;
      let to = from + 1;
      while (to < answers.length && isAlike(first, answers[to]!)) to++;
      const isError = first instanceof PrescoreError;
      const model = (isError ? null : first.model?.name) ?? server.live?.scorer.model.name ?? name;
      this.prediction(model, !isError, to - from);
      this.answers(name, isError ? 'error' : first.source).count += to - from;
      if (!isError && (first.source === 'cache' || first.source === 'stale'))
        this.ages(name, '').observe(first.ageMs / 1000);
      from = to;
    }
  }

  lookedUp(set: string, outcome: 'hit' | 'miss' | 'failed', keys: number): void {
    this.lookups(set, outcome).count += keys;
  }

  lookupBatch(keys: number): void {
    this.lookupKeys.observe(keys);
  }

  /** A batch that a model has scored. */
  batch(model: string, rows: number, computeMs: number): void {
    this.batchRows(model, '').observe(rows);
    this.computeSeconds(model, '').observe(computeMs / 1000);
  }

  /** How long a request waited for its batch. */
  queued(model: string, queueMs: number): void {
    this.queueSeconds(model, '').observe(queueMs / 1000);
  }

  failedLive(model: string, code: string): void {
    this.liveFailures.inc({ model_name: model, code });
  }

  childDied(model: string): void {
    this.deaths.inc({ model_name: model });
  }

  written(set: string, outcome: string, entries: number): void {
    this.writes.inc({ set, outcome }, entries);
  }

  spotChecked(set: string, outcome: SpotOutcome): void {
    this.spots.inc({ set, outcome });
  }

  breaker(store: string, state: BreakerState): void {
    this.breakers.set(store, state);
  }
}

function isAlike(a: Answer, b: Answer): boolean {
  if (a instanceof PrescoreError || b instanceof PrescoreError)
    return a instanceof PrescoreError === b instanceof PrescoreError;
  return a.source === b.source && a.model === b.model && a.runId === b.runId;
}

/** What counts for the values of at most two labels; the second is '' where there is one. */
type Remembered<T> = (first: string, second: string) => T;

function rememberedSeries(histogram: CellHistogram, labels: readonly string[]): Remembered<Series> {
  return remembered((values) => histogram.series(labelled(labels, values)));
}

function rememberedTallies(counter: CellCounter, labels: readonly string[]): Remembered<Tally> {
  return remembered((values) => counter.cell(labelled(labels, values)));
}

function labelled(labels: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, i) => [label, values[i] ?? '']));
}

function remembered<T>(make: (values: readonly string[]) => T): Remembered<T> {
  const known = new Map<string, Map<string, T>>();
  return (first, second) => {
    let inner = known.get(first);
    if (inner === undefined) {
      inner = new Map();
      known.set(first, inner);
    }
    let one = inner.get(second);
    if (one === undefined) {
      one = make([first, second]);
      inner.set(second, one);
    }
    return one;
  };
}
