import { join } from 'node:path';
import { prescore } from './cli.ts';
import type { LoggedModels } from './mlflow-server.ts';
import { readOutput } from './read-parquet.ts';
import { tempFolder, writeJob } from './temp-job.ts';
import { otherBits } from './trainer-cases.ts';

const NAMES = Array.from({ length: 8 }, (_, i) => `f${i}`);

/** An imported version: what `models import --json` printed of it. */
export interface ImportedVersion {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly main: string;
  readonly kind: string;
}

/**
 * Runs an imported version on the rows of the logged models, and says where its answers are not the bits of its flavour's own: raw scores of trees, the
 * output of a network.
 */
export async function strayBits(
  registry: string,
  imported: ImportedVersion,
  logged: LoggedModels,
  model: string,
  folder = tempFolder(),
): Promise<string[]> {
  const { name, version, digest, main, kind } = imported;
  const isNet = kind === 'onnx';
  writeJob(folder, {
    model: { uri: join(registry, name, String(version), main), sha256: digest },
    input: { uri: join(logged.folder, 'rows.parquet') },
    features: { [isNet ? 'features' : 'input']: { columns: NAMES } },
    outputs: { answer: { tensor: isNet ? 'p' : 'raw' } },
    id: ['id'],
    output: { uri: join(folder, 'out') },
    execution: { scorers: 1 },
  });
  const run = await prescore(['run', 'job.yaml', '--json'], { cwd: folder });
  if (run.code !== 0) return [run.stderr];
  const rows = await readOutput(join(folder, 'out'));
  const sorted = rows.toSorted((a, b) => Number(a['id']) - Number(b['id']));
  return otherBits(
    sorted.map((row) => Number(row['answer'])),
    logged.answers[model] ?? [],
  );
}
