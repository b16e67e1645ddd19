import { Counter, type CounterConfiguration, Histogram, type HistogramConfiguration } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

/** What was counted since the metrics were last read: added to on every request. */
export interface Tally {
  count: number;
}

/** Where values of one set of labels are put. */
export interface Series {
  observe(value: number): void;
}

/**
 * A counter whose labels are looked up once: prom-client hashes and checks them at every count, which took a twentieth of an
 * endpoint's time. What was counted is handed to it when the metrics are read.
 */
export class CellCounter extends Counter<string> {
  private readonly cells = new Map<Tally, Labels>();

  constructor(configuration: CounterConfiguration<string>) {
    super({
      ...configuration,
      collect() {
        if (this instanceof CellCounter) this.handOver();
      },
    });
  }

  /** The cell of these labels, to be kept by the caller. */
  cell(labels: Labels): Tally {
    const tally = { count: 0 };
    this.cells.set(tally, labels);
    return tally;
  }

  private handOver(): void {
    for (const [tally, labels] of this.cells) {
      this.inc(labels, tally.count);
      tally.count = 0;
    }
  }
}

/** A histogram whose labels are looked up once, for the same reason. */
export class CellHistogram extends Histogram<string> {
  private readonly metricName: string;
  private readonly helpText: string;
  private readonly bounds: readonly number[];
  private readonly cells: SeriesCell[] = [];

  constructor(configuration: HistogramConfiguration<string> & { readonly buckets: number[] }) {
    super(configuration);
    this.metricName = configuration.name;
    this.helpText = configuration.help;
    this.bounds = configuration.buckets;
  }

  /** The series of these labels, to be kept by the caller. */
  series(labels: Labels): Series {
    const cell = new SeriesCell(labels, this.bounds);
    this.cells.push(cell);
    return cell;
  }

  /** What the registry asks for when it writes the text, and what `get` is made from. */
  getForPromString(): object {
    const values = this.cells.flatMap((cell) => cell.values(this.metricName));
    return { name: this.metricName, help: this.helpText, type: 'histogram', values, aggregator: 'sum' };
  }
}

class SeriesCell implements Series {
  private readonly labels: Labels;
  private readonly bounds: readonly number[];
  private readonly counts: Float64Array;
  private sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > this.bounds[at]!) at++;
    this.counts[at]!++;
    this.sum += value;
  }

  /** As Prometheus counts them: each bucket holds all below it too. */
  values(name: string): { labels: Record<string, string | number>; value: number; metricName: string }[] {
    const { labels } = this;
    let count = 0;
    const buckets = [...this.counts].map((more, i) => {
      count += more;
      return { labels: { le: this.bounds[i] ?? '+Inf', ...labels }, value: count, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels, value: this.sum, metricName: `${name}_sum` },
      { labels, value: count, metricName: `${name}_count` },
    ];
  }
}
