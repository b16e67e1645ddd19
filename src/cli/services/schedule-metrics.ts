import type { WrittenJob } from '../../base/contract/job.ts';
import { Metrics } from '../../base/telemetry/metrics.ts';
import type { Ending } from '../../fleet/schedule/schedule-records.ts';
import type { ScheduleState } from '../../fleet/schedule/slot-state.ts';
import { SlotTimes } from '../../fleet/schedule/slot-times.ts';
import { REREAD_MS } from '../../fleet/schedule/timetables.ts';

/** Job files are read every ten seconds; without that for this long, the process hangs. */
const SILENT_MS = 6 * REREAD_MS;
const IN_WORK = ['held', 'working', 'retry', 'stopping', 'ran', 'publishing', 'over'];

/** What a scheduler tells of itself. */
export class ScheduleMetrics {
  private readonly metrics = new Metrics();
  private readonly ends = this.metrics.counter('prescore_schedule_slots_total', 'Slots that ended here.', [
    'job',
    'outcome',
  ]);
  private readonly rows = this.metrics.counter('prescore_schedule_rows_total', 'Rows of slots that ended here.', [
    'job',
  ]);
  private readonly slots = this.metrics.gauge(
    'prescore_schedule_slots',
    'Slots by state, as this scheduler knows them.',
    ['job', 'state'],
  );
  private readonly jobs = this.metrics.gauge('prescore_schedule_jobs', 'Jobs with a schedule.');
  private readonly known = new Map<string, WrittenJob>();
  private readonly begun = new Set<string>();
  private lastRead = Date.now();

  constructor() {
    const help = 'When the next slot of a job starts, in seconds since the epoch.';
    this.metrics.gauge('prescore_schedule_next_slot_seconds', help, ['job'], (gauge) => {
      for (const { name, schedule } of this.known.values()) {
        if (schedule === null) continue;
        const next = new SlotTimes(name, schedule).next(Date.now());
        if (next !== null) gauge.set({ job: name }, next / 1000);
      }
    });
  }

  read(jobs: readonly WrittenJob[]): void {
    this.lastRead = Date.now();
    this.known.clear();
    for (const job of jobs) if (job.schedule !== null) this.known.set(job.name, job);
    this.jobs.set(this.known.size);
  }

  state({ name }: WrittenJob, { entries }: ScheduleState): void {
    this.begun.add(name);
    const count = (phases: readonly string[]): number => entries.filter((e) => phases.includes(e.phase)).length;
    this.slots.set({ job: name, state: 'waiting' }, count(['waiting']));
    this.slots.set({ job: name, state: 'in-work' }, count(IN_WORK));
    this.slots.set({ job: name, state: 'elsewhere' }, count(['taken']));
    this.slots.set({ job: name, state: 'due' }, count(['open']));
  }

  ended({ name }: WrittenJob, { outcome, rows }: Ending): void {
    this.ends.inc({ job: name, outcome });
    this.rows.inc({ job: name }, rows);
  }

  removed({ name }: WrittenJob): void {
    this.begun.delete(name);
    for (const state of ['waiting', 'in-work', 'elsewhere', 'due']) this.slots.remove({ job: name, state });
  }

  liveProblem(now: number): string | null {
    return now - this.lastRead > SILENT_MS ? 'job files were not read for a minute' : null;
  }

  /** Ready once the records of every job could be read. */
  readyProblem(): string | null {
    const waiting = [...this.known.keys()].filter((name) => !this.begun.has(name));
    return waiting.length === 0 ? null : `no records yet of ${waiting.slice(0, 10).join(', ')}`;
  }

  text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return this.metrics.read();
  }
}
