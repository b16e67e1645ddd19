import { PrescoreError } from '../errors/prescore-error.ts';
import type { Counter, Histogram, Metrics } from '../telemetry/metrics.ts';
import type { Admission } from './admission.ts';
import type { BreakerState } from './breaker.ts';
import type { Answer, SetServer } from './set-server.ts';

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const AGES = [1, 10, 60, 600, 3_600, 6 * 3_600, 12 * 3_600, 86_400, 2 * 86_400, 7 * 86_400];
const STATES: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** The figures of the online endpoint. `prediction_*` have the names that dashboards of model servers use. */
export class ServeMetrics {
  private readonly latency: Histogram<'set' | 'endpoint'>;
  private readonly predictions: Counter<'model_name' | 'status'>;
  private readonly answers: Counter<'set' | 'source'>;
  private readonly ages: Histogram<'set'>;
  private readonly lookups: Counter<'set' | 'outcome'>;
  private readonly lookupKeys: Histogram;
  private readonly batchRows: Histogram<'model_name'>;
  private readonly queueSeconds: Histogram<'model_name'>;
  private readonly computeSeconds: Histogram<'model_name'>;
  private readonly liveFailures: Counter<'model_name' | 'code'>;
  private readonly deaths: Counter<'model_name'>;
  private readonly requests: Counter<'method' | 'status'>;
  private readonly writes: Counter<'set' | 'outcome'>;
  private readonly breakers = new Map<string, BreakerState>();
  private readonly ofSet = new Map<string, SetCounters>();

  constructor(metrics: Metrics, admission: Admission) {
    const { latency, age } = { latency: 'prediction_latency_seconds', age: 'prescore_cache_age_seconds' };
    this.latency = metrics.histogram(latency, 'Time from the headers of a request to its answer.', SECONDS, [
      'set',
      'endpoint',
    ]);
    this.predictions = metrics.counter('prediction_total', 'Predictions asked for, by model and outcome.', [
      'model_name',
      'status',
    ]);
    this.answers = metrics.counter('prescore_answers_total', 'Answers by set and source; error: none was given.', [
      'set',
      'source',
    ]);
    this.ages = metrics.histogram(age, 'Age of answers from the set; once for those of one request and run.', AGES, [
      'set',
    ]);
    this.lookups = metrics.counter('prescore_lookups_total', 'Keys looked up, by outcome.', ['set', 'outcome']);
    this.lookupKeys = metrics.histogram('prescore_lookup_keys', 'Keys of one command to the store.', ROWS);
    this.batchRows = metrics.histogram('prescore_batch_rows', 'Rows scored at once.', ROWS, ['model_name']);
    this.queueSeconds = metrics.histogram('prescore_queue_seconds', 'Wait before scoring.', SECONDS, ['model_name']);
    this.computeSeconds = metrics.histogram('prescore_compute_seconds', 'Time in the model.', SECONDS, ['model_name']);
    this.liveFailures = metrics.counter('prescore_live_failures_total', 'Live requests without an answer, by code.', [
      'model_name',
      'code',
    ]);
    this.deaths = metrics.counter('prescore_scorer_deaths_total', 'Scorer children that died or were ended.', [
      'model_name',
    ]);
    this.requests = metrics.counter('prescore_http_requests_total', 'Requests by method and status.', [
      'method',
      'status',
    ]);
    this.writes = metrics.counter('prescore_write_back_total', 'Live answers for the set, by outcome.', [
      'set',
      'outcome',
    ]);
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
    this.requests.inc({ method, status: String(status) });
  }

  /** One request of an endpoint, such as `predictions`; `set` is the set or the model. */
  latencyOf(set: string, endpoint: string, seconds: number): void {
    this.latency.observe({ set, endpoint }, seconds);
  }

  /** One prediction of the model protocols. */
  prediction(model: string, isSuccess: boolean): void {
    this.predictions.inc({ model_name: model, status: isSuccess ? 'success' : 'error' });
  }

  /** The answers of one request to a set. */
  answered(server: SetServer, answers: readonly Answer[], seconds: number): void {
    const counters = this.countersOf(server.name);
    counters.latency.observe(seconds);
    // Answers that are alike are counted together: most of a request are.
    for (let from = 0; from < answers.length; ) {
      const first = answers[from]!;
      let to = from + 1;
      while (to < answers.length && isAlike(first, answers[to]!)) to++;
      const isError = first instanceof PrescoreError;
      const model = (isError ? null : first.model?.name) ?? server.live?.scorer.model.name ?? server.name;
      counters.prediction(model, isError).inc(to - from);
      counters.source(isError ? 'error' : first.source).inc(to - from);
      if (!isError && (first.source === 'cache' || first.source === 'stale')) counters.age.observe(first.ageMs / 1000);
      from = to;
    }
  }

  lookedUp(set: string, outcome: 'hit' | 'miss' | 'failed', keys: number): void {
    this.lookups.inc({ set, outcome }, keys);
  }

  lookupBatch(keys: number): void {
    this.lookupKeys.observe(keys);
  }

  /** A batch that a model has scored. */
  batch(model: string, rows: number, computeMs: number): void {
    this.batchRows.observe({ model_name: model }, rows);
    this.computeSeconds.observe({ model_name: model }, computeMs / 1000);
  }

  /** How long a request waited for its batch. */
  queued(model: string, queueMs: number): void {
    this.queueSeconds.observe({ model_name: model }, queueMs / 1000);
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

  breaker(store: string, state: BreakerState): void {
    this.breakers.set(store, state);
  }

  private countersOf(set: string): SetCounters {
    const known = this.ofSet.get(set);
    if (known !== undefined) return known;
    const byModel = new Map<string, Counter.Internal>();
    const bySource = new Map<string, Counter.Internal>();
    const counters: SetCounters = {
      latency: this.latency.labels({ set, endpoint: 'predictions' }),
      age: this.ages.labels({ set }),
      prediction: (model, isError) =>
        remembered(byModel, `${model} ${isError}`, () =>
          this.predictions.labels({ model_name: model, status: isError ? 'error' : 'success' }),
        ),
      source: (source) => remembered(bySource, source, () => this.answers.labels({ set, source })),
    };
    this.ofSet.set(set, counters);
    return counters;
  }
}

function isAlike(a: Answer, b: Answer): boolean {
  if (a instanceof PrescoreError || b instanceof PrescoreError)
    return a instanceof PrescoreError === b instanceof PrescoreError;
  return a.source === b.source && a.model === b.model && a.runId === b.runId;
}

/** Counters with their labels bound: to look labels up costs more than to count. */
interface SetCounters {
  readonly latency: Histogram.Internal<'set' | 'endpoint'>;
  readonly age: Histogram.Internal<'set'>;
  readonly prediction: (model: string, isError: boolean) => Counter.Internal;
  readonly source: (source: string) => Counter.Internal;
}

function remembered<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
