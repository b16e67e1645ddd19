import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { prescore } from '../../test/harness/cli.ts';
import { readOutput } from '../../test/harness/read-parquet.ts';
import { ask, startServe, writeServe } from '../../test/harness/serve-process.ts';
import { OFF, offBy } from './answers.ts';

/** A model, a table, and what onnxruntime says in Python. */
export interface ContactCase {
  readonly name: string;
  readonly model: string;
  readonly table: string;
  /** What wrote the table. */
  readonly tool: string;
  /** The column that names a row. */
  readonly key: string;
  /** Marked lines that are to be edited: what nobody can know. */
  readonly edits: number;
  /** Said to init beside the model, the table and where to publish. */
  readonly flags?: readonly string[];
  readonly keys: readonly (number | string)[];
  /** Values of the first row, as a request has them. */
  readonly first: Readonly<Record<string, unknown>>;
  /** Tensor -> its values, row by row. */
  readonly answers: Readonly<Record<string, readonly unknown[]>>;
}

export interface Walk {
  /** Empty when all was right. */
  readonly faults: readonly string[];
  /** The farthest a number was off, beside its size; 0: the same bits. */
  readonly off: number;
  readonly seconds: number;
}

interface Output {
  readonly column: string;
  readonly tensor: string;
  readonly index: number | null;
}

interface JobText {
  readonly name: string;
  readonly features?: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, string | { readonly tensor: string; readonly index?: number }>>;
  readonly output: { readonly uri: string };
}

/**
 * Walks from a model and a table to answers as a new user would: init, run --sample, run, lookup, serve; unedited, or with as many marked lines
 * edited as the case says. Everything that comes out is compared. Errors: none, they are faults.
 */
export async function walkContact(contact: ContactCase, folder: string): Promise<Walk> {
  const started = performance.now();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const walker = new Walker(contact, folder);
  try {
    await walker.draft();
    await walker.run();
    await walker.lookUp();
    await walker.serve();
  } catch (error) {
    walker.faults.push(error instanceof Error ? error.message : String(error));
  }
  return { faults: walker.faults, off: walker.off, seconds: (performance.now() - started) / 1000 };
}

class Walker {
  readonly faults: string[] = [];
  off = 0;
  private readonly contact: ContactCase;
  private readonly folder: string;
  private readonly rowOf: ReadonlyMap<string, number>;
  private outputs: readonly Output[] = [];
  private features: readonly string[] = [];
  private job: JobText | null = null;

  constructor(contact: ContactCase, folder: string) {
    this.contact = contact;
    this.folder = folder;
    this.rowOf = new Map(contact.keys.map((key, row) => [String(key), row]));
  }

  private async command(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await prescore(args, { cwd: this.folder });
    if (code !== 0) throw new Error(`prescore ${args.join(' ')}: exit ${code}: ${stderr.trim().split('\n').at(-1)}`);
    return stdout;
  }

  async draft(): Promise<void> {
    const { model, table, edits, flags = [], key } = this.contact;
    const names = ['model.onnx', table.slice(dirname(table).length + 1)] as const;
    cpSync(model, join(this.folder, names[0]));
    cpSync(table, join(this.folder, names[1]));
    await this.command('init', ...names, '--predictions', 'lmdb:sets', '--out', 'job.yaml', ...flags);
    const path = join(this.folder, 'job.yaml');
    const text = readFileSync(path, 'utf8');
    const marked = text.match(/^ *\w+\?:.*$/gm) ?? [];
    if (marked.length !== edits) {
      throw new Error(
        `${marked.length} marked lines instead of ${edits}: ${marked.map((line) => line.trim()).join(' | ')}`,
      );
    }
    // The one edit: what is suggested is right, and a person has looked.
    writeFileSync(path, text.replace(/^( *\w+)\?:/gm, '$1:'));
    this.job = parse(readFileSync(path, 'utf8')) as JobText;
    this.outputs = Object.entries(this.job.outputs).map(([column, spec]) =>
      typeof spec === 'string'
        ? { column, tensor: spec, index: null }
        : { column, tensor: spec.tensor, index: spec.index ?? null },
    );
    const { first } = this.contact;
    const named = JSON.stringify(this.job.features ?? {});
    this.features = Object.keys(first).filter((name) => name !== key && named.includes(JSON.stringify(name)));
  }

  async run(): Promise<void> {
    await this.command('run', 'job.yaml', '--sample', '3');
    await this.command('run', 'job.yaml');
    const rows = await readOutput(join(this.folder, this.job!.output.uri));
    if (rows.length !== this.contact.keys.length)
      this.faults.push(`run: ${rows.length} rows of ${this.contact.keys.length}`);
    for (const row of rows) this.compare('run', row[this.contact.key], row);
  }

  async lookUp(): Promise<void> {
    const key = String(this.contact.keys[0]);
    const printed = await this.command('lookup', '--job', 'job.yaml', key, '--json');
    const found = JSON.parse(printed.trim().split('\n')[0]!) as { values?: Record<string, unknown> | null };
    if (found.values == null) this.faults.push(`lookup: ${printed.trim()}`);
    else this.compare('lookup', key, found.values);
  }

  async serve(): Promise<void> {
    const { first, keys } = this.contact;
    const set = this.job!.name;
    const sets = { [set]: { job: join(this.folder, 'job.yaml'), order: ['cache', 'live'] } };
    const server = await startServe(writeServe(this.folder, { sets }));
    try {
      const features = Object.fromEntries(this.features.map((name) => [name, first[name]]));
      const other = typeof keys[0] === 'number' ? 987_654_321 : 'somebody else';
      for (const [row, source] of [
        [{ key: keys[0] }, 'cache'],
        [{ key: other, features }, 'live'],
      ] as const) {
        const { status, body } = await ask(`${server.url}/v1/predictions/${set}`, row);
        if (status !== 200 || body['source'] !== source)
          this.faults.push(`serve, ${source}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
        else this.compare(`serve, ${source}`, keys[0], body['values'] as Record<string, unknown>);
      }
    } finally {
      await server.stop();
    }
  }

  private compare(step: string, key: unknown, values: Readonly<Record<string, unknown>>): void {
    const row = this.rowOf.get(String(key));
    if (row === undefined) {
      this.faults.push(`${step}: no row has the key ${String(key)}`);
      return;
    }
    for (const { column, tensor, index } of this.outputs) {
      const answer = this.contact.answers[tensor]?.[row];
      const wanted = index === null || !Array.isArray(answer) ? answer : (answer as readonly unknown[])[index];
      const off = offBy(wanted, values[column]);
      this.off = Math.max(this.off, Math.min(off, 1));
      if (off > OFF && this.faults.length < 5)
        this.faults.push(
          `${step}: ${column} of ${String(key)}: ${JSON.stringify(wanted)} expected, ${String(values[column])} got`,
        );
    }
  }
}
