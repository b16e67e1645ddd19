import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type CliResult, startPrescore } from '../../test/harness/cli.ts';
import { readOutput } from '../../test/harness/read-parquet.ts';
import { OFF, offBy } from './answers.ts';
import { peakMemory } from './memory-of.ts';

/** What zoo_models.py says of a model: see test/python/zoo_cases.py. */
export interface ZooCase {
  readonly key: string;
  readonly keys: readonly (number | string)[];
  /** Marked lines that are to be edited: what nobody can know. */
  readonly edits: number;
  /** Output -> the labels of its classes. */
  readonly labels?: Readonly<Record<string, readonly (number | string)[]>>;
  /** Tensor -> its values, row by row. */
  readonly answers?: Readonly<Record<string, readonly unknown[]>>;
  /** The pattern of the refusal. */
  readonly refused?: string;
  /** The pattern of what a run tells beside its answers. */
  readonly told?: string;
}

export interface ZooWalk {
  /** Empty when all was as it should be. */
  readonly fault: string;
  readonly outcome: 'right unedited' | 'right with one edit' | 'refused by name';
  /** The farthest a number was off, beside its size; 0: the same bits. */
  readonly off: number;
  /** The most that all processes of a command held together. */
  readonly peakBytes: number;
  /** What the run said it may take; 0 where it did not get there. */
  readonly budgetBytes: number;
}

interface Spec {
  readonly tensor: string;
  readonly index?: number;
}

const TIMEOUT_MS = 600_000;

/**
 * `init` and `run` as a user would, unedited or with as many marked lines taken as they are; every prediction is compared with what
 * onnxruntime says in Python, or the refusal with its pattern. Errors: none, they are faults.
 */
export async function walkZoo(folder: string, work: string): Promise<ZooWalk> {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const walker = new ZooWalker(JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as ZooCase, folder, work);
  let fault = '';
  try {
    fault = await walker.walk();
  } catch (error) {
    fault = error instanceof Error ? error.message : String(error);
  }
  const { off, peakBytes, budgetBytes, zoo } = walker;
  const over =
    budgetBytes > 0 && peakBytes > budgetBytes ? `${peakBytes} bytes were held, ${budgetBytes} are allowed` : '';
  const right = zoo.edits === 0 ? 'right unedited' : 'right with one edit';
  return {
    fault: fault || over,
    outcome: zoo.refused === undefined ? right : 'refused by name',
    off,
    peakBytes,
    budgetBytes,
  };
}

class ZooWalker {
  off = 0;
  peakBytes = 0;
  budgetBytes = 0;
  readonly zoo: ZooCase;
  private readonly folder: string;
  private readonly work: string;

  constructor(zoo: ZooCase, folder: string, work: string) {
    this.zoo = zoo;
    this.folder = folder;
    this.work = work;
  }

  /** The first thing that is wrong, in words; empty when nothing is. */
  async walk(): Promise<string> {
    for (const name of readdirSync(this.folder).filter((one) => one !== 'case.json'))
      cpSync(join(this.folder, name), join(this.work, name));
    const drafted = await this.command('init', 'model.onnx', 'table.parquet', '--out', 'job.yaml');
    const { refused, told = '', edits } = this.zoo;
    const path = join(this.work, 'job.yaml');
    if (drafted.code === 0) {
      const text = readFileSync(path, 'utf8');
      const marked = text.match(/^ *\w+\?:.*$/gm) ?? [];
      if (refused === undefined && marked.length !== edits)
        return `${marked.length} marked lines: ${marked.join(' | ').trim()}`;
      writeFileSync(path, text.replace(/^( *\w+)\?:/gm, '$1:'));
      if (refused !== undefined && new RegExp(refused, 's').test(text + drafted.stderr)) return '';
    } else if (refused === undefined) return sayEnd('init', drafted);
    const ended = drafted.code === 0 ? await this.command('run', 'job.yaml') : drafted;
    if (refused !== undefined) {
      const isNamed = ended.code !== 0 && new RegExp(refused, 's').test(ended.stderr);
      return isNamed ? '' : `it is not refused as it should be: ${sayEnd('run', ended)}`;
    }
    if (ended.code !== 0) return sayEnd('run', ended);
    this.budgetBytes = budgetOf(ended.stdout);
    if (!new RegExp(told).test(ended.stderr + ended.stdout)) return `run tells nothing of ${told}`;
    return this.compare(await readOutput(join(this.work, 'out/model')));
  }

  private async command(...args: readonly string[]): Promise<CliResult> {
    const { child, result } = startPrescore(args, { cwd: this.work, timeoutMs: TIMEOUT_MS });
    this.peakBytes = Math.max(this.peakBytes, await peakMemory(child.pid ?? 0, result));
    return result;
  }

  private compare(rows: readonly Readonly<Record<string, unknown>>[]): string {
    const { answers = {}, labels = {}, key, keys } = this.zoo;
    if (rows.length !== keys.length) return `${rows.length} rows of ${keys.length}`;
    const { outputs } = parse(readFileSync(join(this.work, 'job.yaml'), 'utf8')) as {
      readonly outputs: Readonly<Record<string, string | Spec>>;
    };
    const specs = Object.entries(outputs).map(([column, spec]) => ({
      column,
      ...(typeof spec === 'string' ? { tensor: spec } : spec),
    }));
    const missing = Object.keys(answers).filter((tensor) => !specs.some((spec) => spec.tensor === tensor));
    if (missing.length > 0) return `no column has ${missing.join(', ')}`;
    for (const { column, tensor, index } of specs) {
      const label = index === undefined ? undefined : labels[tensor]?.[index];
      const isNamed =
        label === undefined || column.endsWith(`.${label}`) || (labels[tensor]?.length === 2 && label === 1);
      if (!isNamed) return `column ${column} has the class ${label}`;
    }
    const rowOf = new Map(keys.map((one, row) => [String(one), row]));
    for (const row of rows)
      for (const { column, tensor, index } of specs) {
        const answer = answers[tensor]?.[rowOf.get(String(row[key])) ?? -1];
        const wanted = index === undefined || !Array.isArray(answer) ? answer : (answer as readonly unknown[])[index];
        const off = offBy(wanted, row[column]);
        this.off = Math.max(this.off, Math.min(off, 1));
        if (off > OFF) return `${column} of ${String(row[key])}: ${short(wanted)} expected, ${short(row[column])} got`;
      }
    return '';
  }
}

function short(value: unknown): string {
  const text = JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? 'nothing';
  return text.slice(0, 120);
}

function sayEnd(command: string, { code, stderr }: CliResult): string {
  return `${command}: exit ${code}: ${stderr.trim().slice(-900)}`;
}

/** `memory   12.6 GB at most (…)`. */
function budgetOf(text: string): number {
  const [, number, unit] = /^memory +([\d.]+) ([kMG]B) at most/m.exec(text) ?? [];
  return unit === undefined ? 0 : Number(number) * { kB: 1e3, MB: 1e6, GB: 1e9 }[unit as 'kB' | 'MB' | 'GB'];
}
