import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { CellCounter, CellHistogram } from './cells.ts';

export type { Counter, Gauge, Histogram } from 'prom-client';
export type { CellCounter, CellHistogram, Series, Tally } from './cells.ts';

/**
 * The metrics of one process, in the text format of Prometheus. Names begin with `prescore_` and end in their unit or
 * `_total`; labels hold names of jobs and outcomes, never keys, paths or ids.
 */
export class Metrics {
  private readonly registry = new Registry();

  constructor(options: { readonly withProcess: boolean } = { withProcess: true }) {
    if (options.withProcess) collectDefaultMetrics({ register: this.registry, prefix: 'prescore_' });
  }

  counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: labels, registers: [this.registry] });
  }

  /** `collect` is called at each reading, to set what is not kept up to date otherwise. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels: readonly L[] = [],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L> {
    return new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [this.registry],
      ...(collect === undefined
        ? {}
        : {
            collect() {
              return collect(this);
            },
          }),
    });
  }

  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly L[] = [],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [this.registry] });
  }

  /** A counter for what is counted on every request. */
  cellCounter(name: string, help: string, labels: readonly string[]): CellCounter {
    return new CellCounter({ name, help, labelNames: labels, registers: [this.registry] });
  }

  /** A histogram for what is observed on every request. */
  cellHistogram(name: string, help: string, buckets: readonly number[], labels: readonly string[] = []): CellHistogram {
    return new CellHistogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [this.registry] });
  }

  async read(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }
}
