import { relative } from 'node:path';
import type { WrittenJob } from '../../base/contract/job.ts';
import type { TableVersion } from '../../base/contract/plan.ts';
import type { DoneModel, RunDone, StageTimes } from '../../base/contract/run-events.ts';
import { sayBytes, sayCount, sayDuration, sayMany } from '../../base/telemetry/progress-line.ts';
import { printTable } from './print-table.ts';

const byName = new Intl.Collator('en', { numeric: true });

/** What a person sees at the end of `run`: a table of runs, where the files are, and what limited the speed. */
export function printSummary(job: WrittenJob, ended: readonly RunDone[], memory: SaidMemory | null = null): void {
  if (ended.length === 0) return;
  // Runs end in any order; a person looks a partition up by its name.
  const done = ended.toSorted((a, b) => byName.compare(a.partition ?? '', b.partition ?? ''));
  const out = process.stdout;
  const isFiltered = done.some((d) => d.filtered !== undefined);
  const rows = done.map((d) => [
    d.partition ?? job.name,
    !d.committed ? 'share scored' : d.alreadyDone ? 'already done' : d.rejected > 0 ? 'done with rejects' : 'done',
    sayCount(d.rows),
    sayCount(d.rejected),
    ...(isFiltered ? [sayCount(d.filtered ?? 0)] : []),
    String(d.parts),
    sayBytes(d.bytes),
    d.alreadyDone ? '' : sayDuration(d.seconds),
  ]);
  out.write('\n');
  const counts = ['rows', 'rejected', ...(isFiltered ? ['filtered'] : []), 'parts', 'size', 'time'];
  printTable(
    ['partition', 'state', ...counts],
    rows,
    out,
    counts.map((_, i) => i + 2),
  );
  const changed = done.filter((d) => d.inputsChanged > 0);
  for (const d of changed) {
    out.write(
      `\n${d.runId}: already done, with ${sayMany(d.inputsChanged, 'input')} changed since; --if-changed scores it again\n`,
    );
  }
  for (const d of done) if (d.model?.now !== undefined) out.write(`\n${sayMoved(d.runId, d.model, d.model.now)}\n`);
  for (const d of done) if (d.shard !== undefined) out.write(`\n${sayShard(d, d.shard)}\n`);
  const fresh = done.filter((d) => !d.alreadyDone);
  out.write('\n');
  const tables = new Set(done.flatMap((d) => (d.tables ?? []).map((table) => sayTable(table, job))));
  for (const text of tables) out.write(`table    ${text}\n`);
  for (const text of new Set(done.flatMap((d) => sayModel(d.model)))) out.write(`model    ${text}\n`);
  out.write(`output   ${showPath(job.output.uri)}\n`);
  for (const d of done) if (d.rejectsUri !== null) out.write(`rejects  ${showPath(d.rejectsUri)}\n`);
  for (const text of sayDevices(fresh)) out.write(`device   ${text}\n`);
  if (fresh.length > 0 && memory !== null) out.write(`memory   ${sayMemory(memory)}\n`);
  const limits = sayLimits(fresh, job);
  if (limits !== '') out.write(`${limits}\n`);
}

/** `delay 7 (delay@production of s3://models/registry)`; nothing of a model that the job file names by its file. */
function sayModel(model: RunDone['model']): readonly string[] {
  if (model?.ref === undefined) return [];
  return [`${model.name} ${model.version ?? ''}${sayRef(model)}`];
}

function sayMoved(runId: string, { name, version, ref }: DoneModel, now: NonNullable<DoneModel['now']>): string {
  return `${runId}: already done with ${name}/${version}; ${ref} names ${now.version} now; --if-changed scores it again`;
}

/** ` (delay@production of s3://models/registry)`, to stand behind a model; empty for one that is named by its file. */
export function sayRef({ ref, registry }: Pick<DoneModel, 'ref' | 'registry'>): string {
  return ref === undefined || registry === undefined ? '' : ` (${ref} of ${showPath(registry)})`;
}

/** `Delta s3://lake/t, version 12 (the newest; input.version pins one)`. */
export function sayTable({ uri, version }: TableVersion, job: WrittenJob): string {
  const why = job.input.table?.version == null ? ' (the newest; input.version pins one)' : '';
  return `Delta ${showPath(uri)}, version ${version}${why}`;
}

/** What `execution.memory` allows; `ofBytes` where it was chosen for this machine. */
export interface SaidMemory {
  readonly bytes: number;
  readonly ofBytes: number | null;
}

/** `12.6 GB at most (execution.memory: auto, of 25.2 GB)`. */
export function sayMemory({ bytes, ofBytes }: SaidMemory): string {
  return `${sayBytes(bytes)} at most${ofBytes === null ? '' : ` (execution.memory: auto, of ${sayBytes(ofBytes)})`}`;
}

/** `cuda:0 (NVIDIA H200), idle 34 %` (of several runs the least and the most), once each; none for the CPU that was asked for. */
export function sayDevices(done: readonly Pick<RunDone, 'device' | 'gpuIdle'>[]): readonly string[] {
  const found = new Map<string, number[]>();
  for (const { device, gpuIdle } of done) {
    const names = device.granted.map((d) => (d.hardware === null ? d.device : `${d.device} (${d.hardware})`));
    if (device.asked === 'cpu' || names.length === 0) continue;
    const text = `${names.join(', ')}${device.asked === 'auto' ? ', chosen by auto' : ''}`;
    const idle = found.get(text) ?? [];
    found.set(text, gpuIdle === null ? idle : [...idle, Math.round(gpuIdle * 100)]);
  }
  return [...found].map(([text, idle]) => {
    if (idle.length === 0) return text;
    const [least, most] = [Math.min(...idle), Math.max(...idle)];
    return `${text}, idle ${least === most ? least : `${least} to ${most}`} %`;
  });
}

function sayShard(d: RunDone, { index, count, chunksOpen }: NonNullable<RunDone['shard']>): string {
  const name = `shard ${index}/${count} of ${d.runId}`;
  if (d.committed) return `${name}: the run is committed`;
  if (chunksOpen === 0) return `${name}: its share is scored; another shard committed the run`;
  return `${name}: its share is scored; ${sayMany(chunksOpen, 'chunk of another shard is', 'chunks of other shards are')} open. The shard that finds every chunk scored commits the run.`;
}

const MUCH_IDLE = 0.3;
/** Shares of less are those of a start, not of the work: nothing is advised from them. */
const ENOUGH_MS = 2000;

/** `limited by: model 91 %, decode 5 %, encode 2 %, store 2 %`, and what to change; empty where too little was scored to tell. */
export function sayLimits(done: readonly RunDone[], job: WrittenJob): string {
  const stages: StageTimes = { fetch: 0, decode: 0, model: 0, encode: 0, store: 0 };
  const sums = new Map(Object.keys(stages).map((name) => [name, 0]));
  for (const d of done) for (const [name, ms] of Object.entries(d.stages)) sums.set(name, (sums.get(name) ?? 0) + ms);
  const total = [...sums.values()].reduce((all, ms) => all + ms, 0);
  if (total < ENOUGH_MS) return '';
  const shares = [...sums].map(([name, ms]) => ({ name, share: ms / total })).sort((a, b) => b.share - a.share);
  const list = shares
    .filter((s) => s.share >= 0.005)
    .map((s) => `${s.name} ${Math.round(s.share * 100)} %`)
    .join(', ');
  const idle = done.flatMap((d) => d.gpuIdle ?? []);
  const most = shares[0]!.name;
  return `limited by: ${list}. ${adviceOnGpu(idle, most) ?? advice(most, job)}`;
}

// A GPU that waits for one scorer's rows may be kept busy by several; null where it is neither the limit nor waits for cores.
function adviceOnGpu(idle: readonly number[], stage: string): string | null {
  if (idle.length === 0 || stage === 'fetch' || stage === 'store') return null;
  const mean = idle.reduce((sum, share) => sum + share, 0) / idle.length;
  return mean < MUCH_IDLE ? 'The GPU is the limit.' : 'The GPU waits for the CPU: a higher execution.scorers may help.';
}

function advice(stage: string, job: WrittenJob): string {
  switch (stage) {
    case 'model':
      return job.execution.scorers === 'auto'
        ? 'More cores would help.'
        : 'More cores or a higher execution.scorers would help.';
    case 'decode':
      return 'Fewer or narrower columns, larger row groups, or Parquet where it is text, would help.';
    case 'encode':
      return 'output.compression: snappy would help.';
    default:
      return 'The store is the limit: run nearer to it, or with more scorers.';
  }
}

/** A path as a person would type it from here. */
export function showPath(uri: string): string {
  if (!uri.startsWith('/')) return uri;
  const near = relative(process.cwd(), uri);
  return near !== '' && !near.startsWith('../..') ? near : uri;
}
