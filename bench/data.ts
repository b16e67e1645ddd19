import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CaseFile, type CaseName, describeCase, FILE_ROWS, FLIGHT_COLUMNS } from './cases.ts';
import { madeOnce, note, PYTHON, ROOT } from './paths.ts';
import { runPython } from './python-env.ts';

/** A case with its files on disk. */
export interface PreparedCase {
  readonly file: CaseFile;
  /** The case as JSON. */
  readonly path: string;
  /** Rows for the limit, as raw tensors. */
  readonly rowsFolder: string;
  /** Predictions to compare with: onnxruntime of Python, one thread, batches of 4,096. */
  readonly reference: string;
}

/** Input files of a case: FILES files of ROWS rows each, from the fixtures or a seed; made once. */
export async function makeInputs(name: CaseName, rows: number, files: number): Promise<string[]> {
  const key = [script('make_data.py'), ...fixtureSizes(), `${name} ${rows} ${files}`];
  const folder = await madeOnce(`data/${name}-${rows}x${files}`, key, async (building) => {
    note(`making ${files} file(s) of ${rows} rows for ${name}`);
    await runPython('base', 'make_data.py', [name, String(rows), String(files), building]);
  });
  return readdirSync(folder)
    .sort()
    .map((file) => join(folder, file));
}

/** The case file over those inputs, without rows for the limit and reference. */
export async function caseOver(name: CaseName, inputs: readonly string[], rows: number): Promise<CaseFile> {
  return describeCase(name, rows, inputs, await seededModel(name));
}

/** The model of cases that have none among the fixtures: an MLP but for the forest, wide rows and large activations. */
async function seededModel(name: CaseName): Promise<string> {
  if (name === 'forest') {
    const key = ['make_forest.py', 'requirements-forest.txt'].map(script);
    const folder = await madeOnce('forest-model', key, async (building) => {
      note('training a random forest of 500 trees');
      await mkdir(building);
      await runPython('forest', 'make_forest.py', [join(building, 'delay_forest.onnx'), ...FLIGHT_COLUMNS]);
    });
    return join(folder, 'delay_forest.onnx');
  }
  if (name === 'wide' || name === 'activations') {
    const folder = await madeOnce(`${name}-model`, [script('make_large.py')], async (building) => {
      await mkdir(building);
      await runPython('base', 'make_large.py', [name, join(building, 'model.onnx')]);
    });
    return join(folder, 'model.onnx');
  }
  const models = await madeOnce('light-model', [script('make_mlp.py')], async (building) => {
    await mkdir(building);
    await runPython('base', 'make_mlp.py', [join(building, 'light_mlp.onnx')]);
  });
  return join(models, 'light_mlp.onnx');
}

/** Everything a comparison needs; made once for each number of rows. */
export async function prepareCase(name: CaseName, asked: number): Promise<PreparedCase> {
  const files = name === 'files' ? Math.ceil(asked / FILE_ROWS) : 1;
  const rows = name === 'files' ? files * FILE_ROWS : asked;
  const file = await caseOver(name, await makeInputs(name, rows / files, files), rows);
  const text = JSON.stringify(file, null, 1);
  const scripts = ['case_scorer.py', 'make_rows.py', 'score.py'].map(script);
  const folder = await madeOnce(
    `cases/${name}-${rows}`,
    [text, readFileSync(file.model), ...scripts],
    async (building) => {
      note(`scoring the reference of ${name} (${rows} rows)`);
      await mkdir(building, { recursive: true });
      const path = join(building, 'case.json');
      await writeFile(path, text);
      await runPython('base', 'make_rows.py', [path, join(building, 'rows')]);
      // Two processes of one thread each give the same bits as one.
      const settings = ['--batch', '4096', '--threads', '1', '--processes', '2'];
      await runPython('base', 'score.py', [path, join(building, 'reference'), ...settings]);
    },
  );
  return {
    file,
    path: join(folder, 'case.json'),
    rowsFolder: join(folder, 'rows'),
    reference: join(folder, 'reference'),
  };
}

/** Reads the inputs once, so that no contender is the one that fills the page cache. */
export async function warmPageCache(paths: readonly string[]): Promise<void> {
  for (const path of paths) await readFile(path);
}

function script(name: string): Uint8Array {
  return readFileSync(join(PYTHON, name));
}

function fixtureSizes(): string[] {
  const folders = ['flights', 'mixed'].map((name) => join(ROOT, 'fixtures', name));
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .sort()
      .filter((path) => path.endsWith('.parquet'))
      .map((path) => `${path} ${statSync(join(folder, path)).size}`),
  );
}
