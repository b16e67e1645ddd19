import type { Counter, Histogram, Metrics } from '../../base/telemetry/metrics.ts';

/** A label as the figures show it. */
export interface CountedLabel {
  readonly name: string;
  readonly label: string | null;
  readonly named: string | null;
  readonly serving: string | null;
}

/** What is served of a registry, as it stands. */
export interface LabelSource {
  labels(): readonly CountedLabel[];
  /** Null without a registry. */
  registryAgeMs(): number | null;
}

const SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 300, 3_600];

/** The figures of a server of a registry; there are none of them before `watch`. */
export class LabelMetrics {
  private readonly switches: Counter<'model_name' | 'label'>;
  private readonly failures: Counter<'model_name' | 'label' | 'code'>;
  private readonly seconds: Histogram<'model_name'>;

  constructor(metrics: Metrics, source: LabelSource) {
    const names = ['model_name', 'label'] as const;
    this.switches = metrics.counter(
      'prescore_label_switches_total',
      'Labels that came to answer by another version.',
      names,
    );
    this.failures = metrics.counter(
      'prescore_label_failures_total',
      'Versions that a label or an entry of the list names and that could not be loaded, by code.',
      ['model_name', 'label', 'code'],
    );
    this.seconds = metrics.histogram(
      'prescore_label_switch_seconds',
      'From the move of a label, by its record, to the first answer of the version.',
      SECONDS,
      ['model_name'],
    );
    metrics.gauge('prescore_label_version', 'The version that answers for a label; 0: none.', names, (gauge) => {
      for (const { name, label, serving } of source.labels())
        if (label !== null) gauge.set({ model_name: name, label }, Number(serving ?? 0));
    });
    metrics.gauge('prescore_label_named_version', 'The version that the registry names; 0: none.', names, (gauge) => {
      for (const { name, label, named } of source.labels())
        if (label !== null) gauge.set({ model_name: name, label }, Number(named ?? 0));
    });
    metrics.gauge('prescore_registry_age_seconds', 'Since all labels were last looked up.', [], (gauge) => {
      const age = source.registryAgeMs();
      if (age !== null) gauge.set(age / 1000);
    });
  }

  switched(model: string, label: string): void {
    this.switches.inc({ model_name: model, label });
  }

  failed(model: string, label: string, code: string): void {
    this.failures.inc({ model_name: model, label, code });
  }

  answered(model: string, seconds: number): void {
    this.seconds.observe({ model_name: model }, seconds);
  }
}
